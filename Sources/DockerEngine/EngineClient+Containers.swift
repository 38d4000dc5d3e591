import Compose
import Deploy
import FoundationEssentials
import Reconcile
import Synchronization

extension EngineClient {
    func create(
        _ creation: ContainerCreation<ContainerID>, _ project: Project, _ stamp: DeploymentStamp
    ) async throws -> ContainerID {
        let operation = "create container \(creation.name)"
        let service = try service(creation.service, of: project, to: operation)
        let mapping = ContainerMapping(
            project: project, service: service, creation: creation, stamp: stamp,
            version: try await connection.version(), facts: try await facts(for: creation, service, project))
        let later = try mapping.endpointsAfterCreate()
        var request = try EngineRequest.post("/containers/create", to: operation).sending(try mapping.body())
            .calling(.create, service: service.name).within(deadlines.create)
        request.query = mapping.query
        let created: CreatedAnswer = try await connection.decoded(request)
        for warning in created.warnings ?? [] {
            warn("\(creation.name): \(warning.strippingControlCharacters())")
        }
        let id = ContainerID(hex: created.id)
        do {
            for (network, settings) in later {
                try await connect(id, name: creation.name, to: network, settings, service: service.name)
            }
        } catch {
            // Half a container is worse than none; its removal must not be cancelled with the call.
            await Task { try? await remove(id, volumes: true) }.value
            throw error
        }
        unstarted.withLock { $0[id] = Unstarted(name: creation.finalName, service: service.name) }
        return id
    }

    /// What the mapping of a container needs to know of the engine and of files on the host.
    private func facts(
        for creation: ContainerCreation<ContainerID>, _ service: Service, _ project: Project
    ) async throws -> ContainerMapping.Facts {
        var facts = ContainerMapping.Facts()
        if let replaced = creation.replaces, let details = try await details(of: replaced.hex) {
            facts.previousMounts = details.mounts ?? []
            facts.imageVolumes = Set((try await imageDetails(of: creation.image)?.config?.volumes ?? [:]).keys)
        }
        for path in service.securityOpt.compactMap({ ContainerMapping.seccompProfile($0, in: project) }) {
            guard let data = try? Data(contentsOf: URL(filePath: path)) else { continue }
            facts.seccompProfiles[path] = String(decoding: data, as: UTF8.self)
        }
        for target in Set(service.links.map { String($0.prefix { $0 != ":" }) }) {
            facts.linkedContainers[target] = try await containerNames(of: target, in: project)
        }
        facts.proxies = try credentials.proxyVariables(host: connection.endpoint.description)
        return facts
    }

    /// The names that the service's containers have, or will have once a replacement is done.
    func containerNames(of name: String, in project: Project) async throws -> [String] {
        let target = try service(name, of: project, to: "link to service \(name)")
        let listed: [ContainerSummary] = try await connection.decoded(
            .get("/containers/json", to: "list the containers of service \(name)").adding("all", "1").filtering([
                "label": [
                    "\(ComposeLabels.project)=\(project.name)", "\(ComposeLabels.service)=\(name)",
                    "\(ComposeLabels.oneOff)=False",
                ]
            ]))
        let numbers = Set(listed.compactMap { $0.labels?[ComposeLabels.containerNumber].flatMap { Int($0) } })
        return (numbers.isEmpty ? [1] : numbers).sorted().map { target.containerName(in: project, number: $0) }
    }

    /// Starts the container. Before its first start, configs and secrets that are no files of the host are copied in; after
    /// it, the service's `post_start` hooks run. A container that already runs is left alone.
    func start(_ id: ContainerID, _ project: Project) async throws {
        let container: Unstarted
        let service: Service?
        var isFirstStart = true
        if let new = unstarted.withLock({ $0.removeValue(forKey: id) }) {
            container = new
            service = project.services[new.service] ?? project.disabledServices[new.service]
        } else {
            let details = try await existing(id, to: "start")
            if details.state?.status == "running" { return }
            service = self.service(of: details, in: project)
            container = Unstarted(name: details.plainName, service: service?.name ?? "")
            isFirstStart = details.state?.startedAt.flatMap(EngineTime.milliseconds) == nil
        }
        if let service, isFirstStart { try await copyFiles(of: service, project, into: id, named: container.name) }
        let answer = try await namingHolders(for: id) {
            try await connection.send(
                .post("/containers/\(id.hex)/start", to: "start container \(container.name)")
                    .calling(.start, service: service?.name).within(deadlines.create))
        }
        guard answer.status != 304, let service else { return }
        for hook in service.postStart { try await run(hook, .postStart, in: id, service) }
    }

    private func copyFiles(
        of service: Service, _ project: Project, into id: ContainerID, named name: String
    ) async throws {
        let files = try GrantedFile.all(of: service, in: project)
        let now = Int(Date().timeIntervalSince1970)
        guard let archive = try GrantedFile.archive(of: files, service: service.name, modified: now) else { return }
        var request = EngineRequest(
            .put, "/containers/\(id.hex)/archive", to: "copy configs and secrets into container \(name)"
        ).adding("path", "/").adding("noOverwriteDirNonDir", "true").within(deadlines.create)
            .calling(.start, service: service.name)
        request.body = .init(contentType: "application/x-tar", bytes: Data(archive))
        _ = try await connection.send(request)
    }

    /// Stops the container with its own signal and timeout, after the service's `pre_stop` hooks. A hook that fails is
    /// warned of and does not keep the container running: stopping is also how a failed deployment is undone. One that is
    /// gone does not run.
    func stop(_ id: ContainerID, _ project: Project) async throws {
        guard let details = try await details(of: id.hex) else { return }
        let service = service(of: details, in: project)
        if let service, details.state?.status == "running" {
            for hook in service.preStop {
                do {
                    try await run(hook, .preStop, in: id, service)
                } catch let error as EngineError {
                    warn(error.message)
                }
            }
        }
        let grace = Duration.seconds(details.config?.stopTimeout ?? 10)
        var request = EngineRequest.post("/containers/\(id.hex)/stop", to: "stop container \(details.plainName)")
            .within(grace + deadlines.stopMargin)
        request.service = service?.name
        _ = try await connection.send(request)
    }

    func unpause(_ id: ContainerID) async throws {
        _ = try await connection.send(.post("/containers/\(id.hex)/unpause", to: "unpause container \(id.short)"))
    }

    func rename(_ id: ContainerID, to name: String) async throws {
        _ = try await connection.send(
            .post("/containers/\(id.hex)/rename", to: "rename container \(id.short) to \(name)").adding("name", name)
                .calling(.rename))
    }

    /// Removes a container that does not run. One that is gone is fine; one that is going away is waited for.
    func remove(_ id: ContainerID, volumes: Bool) async throws {
        let operation = "remove container \(id.short)"
        let request = EngineRequest(.delete, "/containers/\(id.hex)", to: operation).adding("v", volumes ? "1" : "0")
            .within(deadlines.create)
        do {
            _ = try await connection.send(request.expecting(404))
        } catch let error as EngineError where error.status == 409 && error.detail.contains("already in progress") {
            _ = try await connection.send(
                .post("/containers/\(id.hex)/wait", to: operation).adding("condition", "removed").expecting(404)
                    .within(deadlines.create))
        }
    }
}
