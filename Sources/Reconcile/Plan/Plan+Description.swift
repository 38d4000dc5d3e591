import Compose

extension Plan: CustomStringConvertible {
    /// The plan as text, one line a pull, step and remark; the same plan always gives the same text.
    package var description: String {
        let lines =
            refusals.map { "refused: \($0)" }
            + missing.map { "missing: \($0)" }
            + pulls.map(\.description)
            + builds.map { "build \($0.image.image) for \($0.image.service) — \($0.causes.joined(separator: ", "))" }
            + steps.map { describe($0) }
            + warnings.map { "warning: \($0)" }
        return lines.isEmpty ? "nothing to do" : lines.joined(separator: "\n")
    }

    /// `[5] stop 1a2b3c4d5e6f after 3, 4 — image a → b`
    private func describe(_ step: Step) -> String {
        var text = "[\(step.id)] \(describe(step.operation))"
        if !step.after.isEmpty { text += " after \(step.after.map(String.init).joined(separator: ", "))" }
        text += " — \(step.cause)"
        return step.phase == .cleanup ? "\(text) (cleanup)" : text
    }

    private func describe(_ operation: Operation<ContainerReference>) -> String {
        switch operation {
        case .createNetwork(let network): "create network \(network.name)"
        case .removeNetwork(_, let name): "remove network \(name)"
        case .connect(let container, let endpoint): "connect \(describe(container)) to network \(endpoint.network)"
        case .disconnect(let container, let id): "disconnect \(describe(container)) from network \(id.prefix(12))"
        case .createVolume(let volume): "create volume \(volume.name)"
        case .removeVolume(let name): "remove volume \(name)"
        case .create(let creation): describe(creation)
        case .copyFiles(let container, let files):
            "copy \(files.map(\.target).joined(separator: ", ")) into \(describe(container))"
        case .runHook(let container, let run): "run \(run.kind.rawValue) hook in \(describe(container))"
        case .tagImage(let id, let reference): "tag image \(ContainerID(hex: id.imageDigits).short) as \(reference)"
        case .untagImage(let reference): "untag \(reference)"
        case .rename(let container, let name): "rename \(describe(container)) to \(name)"
        case .start(let container): "start \(describe(container))"
        case .unpause(let container): "unpause \(describe(container))"
        case .stop(let container): "stop \(describe(container))"
        case .remove(let container, let volumes):
            "remove \(describe(container))\(volumes ? " and its anonymous volumes" : "")"
        case .wait(let wait): describe(wait)
        }
    }

    private func describe(_ creation: ContainerCreation<ContainerReference>) -> String {
        var text = "create \(creation.name)"
        if creation.name != creation.finalName { text += " for \(creation.finalName)" }
        text += " from \(creation.image)"
        if let old = creation.replaces { text += " replacing \(old.short)" }
        for (service, container) in creation.references.sorted(by: { $0.key < $1.key }) {
            text += " sharing with \(service) (\(describe(container)))"
        }
        return text
    }

    private func describe(_ wait: Wait<ContainerReference>) -> String {
        let state =
            switch wait.expectation {
            case .healthy: "healthy"
            case .completed: "completed"
            case .verified: "verified"
            }
        let containers = wait.containers.map { describe($0) }.joined(separator: ", ")
        return "wait until \(wait.service) (\(containers)) is \(state)"
            + (wait.isRequired ? "" : ", not required") + (wait.isOfKept ? ", as it is" : "")
            + (wait.delay > .zero ? ", and \(wait.delay) more" : "")
    }

    private func describe(_ container: ContainerReference) -> String {
        switch container {
        case .existing(let id): id.short
        case .created(let step): "container of \(step)"
        }
    }
}

extension Plan.ImagePull: CustomStringConvertible {
    /// `pull nginx:1.27 for web`
    package var description: String {
        "pull \(reference)\(platform.map { " (\($0))" } ?? "") for \(services.joined(separator: ", "))"
            + (isRequired ? "" : ", else use the local one")
    }
}

extension String {
    /// An image id without its algorithm.
    fileprivate var imageDigits: String { hasPrefix("sha256:") ? String(dropFirst("sha256:".count)) : self }
}

extension Plan.Change: CustomStringConvertible {
    /// `web: recreate: image nginx:1.25 → 1.27, environment FOO changed`
    package var description: String { "\(kind == "service" ? name : "\(kind) \(name)"): \(text)" }

    /// `recreate: image nginx:1.25 → 1.27`, where the subject is told beside it.
    package var text: String { "\(action.rawValue): \(causes.joined(separator: ", "))" }
}
