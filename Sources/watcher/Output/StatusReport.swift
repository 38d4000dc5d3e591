internal import Compose
internal import Deploy
internal import DockerEngine
internal import Reconcile

/// `status`: what is deployed and how its services do, as a tree of dependencies.
struct StatusReport: Encodable {
    struct Container: Encodable {
        var name: String
        var id: String
        var state: String
        var health: String?
        var exitCode: Int?
        var ports: [String]
        /// Only when asked for, and only of a container that runs.
        var stats: ContainerUsage?
    }

    struct Service: Encodable {
        var name: String
        var image: String?
        var dependsOn: [String]
        var containers: [Container]
    }

    struct Project: Encodable {
        var project: String
        var deployment: DeploymentView?
        var suspended: Suspension?
        var skipped: Int
        var services: [Service]
        /// Why the engine could not be asked.
        var trouble: String?
        /// False for a project that was deployed and is configured no more.
        var configured = true
    }

    let schema = JSONOutput.schema
    var projects: [Project]

    private enum CodingKeys: String, CodingKey { case schema, projects }

    func text(colors: Bool) -> String { projects.map { StatusText(project: $0, colors: colors).text() }.joined() }
}

extension StatusReport.Project {
    /// Joins what was recorded with what the engine says.
    init(
        _ name: String, _ record: ProjectRecord, _ observed: ObservedState?,
        usage: [ContainerID: ContainerUsage] = [:]
    ) {
        project = name
        deployment = record.lastGood.map(DeploymentView.init)
        suspended = record.suspension
        skipped = record.skipped.count
        trouble = nil
        let model = record.lastGood?.snapshot?.project
        let containers = Dictionary(
            grouping: (observed?.containers ?? []).filter { $0.parked == nil && !$0.isOneOff }, by: \.service)
        let names = Set(containers.keys).union((model?.services).map { Set($0.keys) } ?? [])
        services = names.sorted().map { name in
            let service = model?.services[name]
            return StatusReport.Service(
                name: name, image: service.flatMap { service in model.map { service.imageName(in: $0) } },
                dependsOn: service?.dependsOn.keys.sorted() ?? [],
                containers: (containers[name] ?? []).sorted { $0.number < $1.number }.map {
                    StatusReport.Container($0, usage[$0.id])
                })
        }
    }
}

extension StatusReport.Container {
    init(_ container: ObservedState.Container, _ usage: ContainerUsage?) {
        stats = usage
        name = container.name
        id = container.id.short
        state = container.state.rawValue
        health = container.health?.rawValue
        exitCode = container.state == .exited ? container.exitCode : nil
        ports = container.ports
    }
}

/// Draws one project: services nobody depends on first, what they depend on below them.
private struct StatusText {
    let project: StatusReport.Project
    let colors: Bool

    func text() -> String {
        var lines = [headline]
        if let suspension = project.suspended {
            let until = suspension.until.map { " (until \(Times.local($0)))" } ?? ""
            lines.append("  suspended: \(suspension.reason.printable)\(until)")
        }
        if project.skipped > 0 {
            lines.append("  \(project.skipped) commit\(project.skipped == 1 ? "" : "s") on the skip list")
        }
        if !project.configured {
            let note = "no longer configured; `watcher down \(project.project)` removes its containers and networks"
            lines.append("  \(note.colored(.yellow, colors))")
        }
        if let trouble = project.trouble { lines.append("  \(trouble.printable.colored(.red, colors))") }
        let services = Dictionary(project.services.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let depended = Set(project.services.flatMap(\.dependsOn))
        var drawn: Set<String> = []
        let tops = tops(services, depended)
        for (index, top) in tops.enumerated() {
            draw(top, services, &drawn, &lines, indent: "", isLast: index == tops.count - 1)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The services nobody depends on, and one of each cycle that none of them leads to.
    private func tops(_ services: [String: StatusReport.Service], _ depended: Set<String>) -> [String] {
        var tops: [String] = []
        var reached: Set<String> = []
        let names = project.services.map(\.name)
        for name in names.filter({ !depended.contains($0) }) + names where !reached.contains(name) {
            tops.append(name)
            var waiting = [name]
            while let next = waiting.popLast() {
                if reached.insert(next).inserted { waiting += services[next]?.dependsOn ?? [] }
            }
        }
        return tops
    }

    private var headline: String {
        let name = project.project.colored(.bold, colors)
        guard let deployment = project.deployment else { return "\(name): nothing deployed by watcher yet" }
        return "\(name): \(deployment.commit.id.short) \(deployment.commit.subject.printable) "
            + "(\(deployment.id), \(Times.local(deployment.startedAt)))"
    }

    private func draw(
        _ name: String, _ services: [String: StatusReport.Service], _ drawn: inout Set<String>, _ lines: inout [String],
        indent: String, isLast: Bool
    ) {
        let branch = indent + (isLast ? "└─ " : "├─ ")
        guard drawn.insert(name).inserted else {
            lines.append("\(branch)\(name.printable) (above)")
            return
        }
        let service = services[name]
        lines.append("\(branch)\(name.printable)  \(service.map(state) ?? "not in the project")")
        let dependencies = service?.dependsOn ?? []
        for (index, dependency) in dependencies.enumerated() {
            draw(
                dependency, services, &drawn, &lines, indent: indent + (isLast ? "   " : "│  "),
                isLast: index == dependencies.count - 1)
        }
    }

    private func state(_ service: StatusReport.Service) -> String {
        let containers = service.containers.map { container in
            var text = container.health ?? container.state
            if let exit = container.exitCode { text += " (\(exit))" }
            let isGood =
                container.health == "healthy" || container.health == nil && container.state == "running"
                || container.exitCode == 0
            text = text.colored(isGood ? .green : container.health == "starting" ? .yellow : .red, colors)
            let usage = container.stats.map { ["[\($0.text)]"] } ?? []
            return ([text] + container.ports.map(\.printable) + usage).joined(separator: " ")
        }
        let none = project.trouble == nil ? "no container".colored(.red, colors) : "not known"
        let all = containers.isEmpty ? none : containers.joined(separator: ", ")
        return service.image.map { "\(all)  \($0.printable)" } ?? all
    }
}

extension ContainerUsage {
    /// `cpu 0.3%, memory 12.1 MiB of 1.9 GiB, network 1.2 kB in 648 B out, disk 0 B read 4.1 kB written`
    var text: String {
        let tenths = Int((cpuPercent * 10).rounded())
        return "cpu \(tenths / 10).\(tenths % 10)%, memory \(Self.binary(memoryUsage)) of \(Self.binary(memoryLimit)), "
            + "network \(Self.decimal(networkReceived)) in \(Self.decimal(networkSent)) out, "
            + "disk \(Self.decimal(blockRead)) read \(Self.decimal(blockWritten)) written"
    }

    private static func binary(_ bytes: Int) -> String { scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]) }

    private static func decimal(_ bytes: Int) -> String { scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB"]) }

    private static func scaled(_ bytes: Int, _ step: Double, _ units: [String]) -> String {
        var value = Double(bytes)
        var unit = 0
        while value >= step, unit < units.count - 1 {
            value /= step
            unit += 1
        }
        guard unit > 0 else { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
