import Compose
import Reconcile

// What containers get to see of this host: checked on every plan, before anything is touched.

extension Run {
    /// Throws when containers would see what is watcher's own, or what a link leads to that stands in the checkout and is not
    /// the commit's. Of what was deployed already, only what would be made or started again is looked at.
    ///
    /// The engine follows links itself when it mounts, a moment later. Who can write to a directory of the host that another
    /// container mounts from can put a link there in between; nothing on this side of the engine's API prevents that.
    func checkHostPaths(_ compared: Compared) throws {
        let candidate = compared.candidate
        try checkHostPaths(
            of: candidate.snapshot.project, candidate.kind == .heal ? compared.plan.touchedServices : nil,
            on: compared.observed.volumes, compared.checkout, placing: candidate.placing)
    }

    /// - Parameters:
    ///   - services: those whose containers are made or started; nil is all.
    ///   - volumes: those that exist on the engine, by real name.
    ///   - difference: what is put in place before.
    func checkHostPaths(
        of project: Project, _ services: Set<String>?, on volumes: [String: ObservedState.Volume],
        _ difference: CheckoutDifference = CheckoutDifference(),
        placing: ([ComposeError.Problem]) -> [ComposeError.Problem] = { $0 }
    ) throws {
        let host = deployer.hostFiles
        let own = try ProtectedPaths(
            settings.protectedPaths, checkout: source.checkoutPath, named: settings.mountableDirectories,
            resolve: host.resolve)
        var problems: [ComposeError.Problem] = []
        for source in project.mountedSources(of: services, on: volumes) {
            let resolved = try host.resolve(source.source)
            let problem =
                try planted(source.source, resolved, difference)
                ?? own.problem(of: source.source, leadingTo: resolved)
            if let problem { problems.append(.init(.file, at: nil, path: source.place, "\(source.name): \(problem)")) }
        }
        guard problems.isEmpty else {
            throw refusal(
                placing(problems),
                advice:
                    "Mount something else; nothing was touched. The state directory, the configuration and credentials are "
                    + "never mounted, whatever a policy allows.")
        }
    }

    /// Why a source in the checkout is refused: a link that is not the commit's leads out of it.
    private func planted(_ path: String, _ resolved: String, _ difference: CheckoutDifference) throws -> String? {
        let root = source.checkoutPath
        guard path.hasPrefix(root + "/") else { return nil }
        let realRoot = try deployer.hostFiles.resolve(root)
        if resolved == realRoot || resolved.hasPrefix(realRoot + "/") { return nil }
        // What the commit has there is put in place before it is mounted.
        let name = path.dropFirst(root.count + 1)
        let isWritten = difference.changedPaths.contains {
            $0 == name || $0.hasPrefix(name + "/") || name.hasPrefix($0 + "/")
        }
        return isWritten ? nil : "a link in the checkout leads to \(resolved), and the commit does not have it"
    }

    /// Of what containers see in the checkout, what the commit does not have: the engine would make an empty directory where a
    /// source is missing, and that is never what a commit meant. What is there on the disk is mounted, unless a link leads
    /// to it: a container that can write there may have made the link.
    func checkSources(of project: Project, _ files: FileAccess, _ loaded: ProjectLoader.Result) throws {
        let root = source.checkoutPath
        var missing: [ComposeError.Problem] = []
        for mounted in project.mountedSources() where mounted.source.hasPrefix(root + "/") {
            let name = String(mounted.source.dropFirst(root.count + 1))
            guard let problem = try problem(of: mounted, name, files) else { continue }
            missing.append(.init(.file, at: nil, path: mounted.place, problem))
        }
        guard missing.isEmpty else {
            throw DeployError(
                stage: .load, reason: .bindSourceMissing,
                message: ComposeError(loaded.placing(missing)).relative(to: root).description,
                advice: "Commit the file or directory itself, use a named volume, or make the directory below \(root).")
        }
    }

    private func problem(of mounted: HostSource, _ name: String, _ files: FileAccess) throws -> String? {
        let root = source.checkoutPath
        do {
            if try files.kind(mounted.source) != nil { return nil }
        } catch let error as FileAccessError {
            // What is in the commit and cannot be reached, such as a link that leads out of it, is not looked for on the disk.
            return "\(mounted.name): \(error)".replacing(root + "/", with: "")
        }
        do {
            if try deployer.hostFiles.kindBelow(root, name) != nil { return nil }
        } catch let error as FileAccessError {
            return "\(mounted.name(with: name)) is not in the commit, and on the disk \(error)".replacing(
                root + "/", with: "")
        }
        return "\(mounted.name(with: name)) is not in the commit"
    }
}
