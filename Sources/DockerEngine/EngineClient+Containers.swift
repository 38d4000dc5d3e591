import Compose
import FoundationEssentials
import Reconcile
import Synchronization

extension EngineClient {
    func create(_ creation: ContainerCreation<ContainerID>) async throws -> ContainerID {
        let mapping = ContainerMapping(
            creation, proxies: try credentials.proxyVariables(host: connection.endpoint.description))
        var request = try EngineRequest.post("/containers/create", to: "create container \(creation.finalName)")
            .sending(mapping.body).calling(.create, service: creation.service).within(deadlines.create)
        request.query = mapping.query
        let prepared = request
        let created: CreatedAnswer = try await namingHolder(of: creation.name, for: creation) {
            try await connection.decoded(prepared)
        }
        for warning in created.warnings ?? [] {
            warn("\(creation.finalName): \(warning.strippingControlCharacters())")
        }
        let id = ContainerID(hex: created.id)
        unstarted.withLock { $0[id] = Unstarted(name: creation.finalName, service: creation.service) }
        return id
    }

    /// Tells whose container has the name that a creation could not get: one outside of the project is not the commit's fault.
    private func namingHolder<Value>(
        of name: String, for creation: ContainerCreation<ContainerID>, _ call: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await call()
        } catch var error as EngineError where error.reason == .nameConflict {
            guard let holder = try? await details(of: name) else { throw error }
            let owner = holder.config?.labels?[ComposeLabels.project]
            guard owner != creation.labels[ComposeLabels.project] else { throw error }
            error.reason = .nameTaken
            error.detail =
                "a container \(owner.map { "of project \"\($0)\"" } ?? "of no Compose project") has that name "
                + "(\(String(holder.id.prefix(12))))"
            error.advice = "Remove or rename that container, or change container_name; the next run tries again."
            throw error
        }
    }

    /// Starts the container. Returns its id; nil when it ran already.
    func start(_ id: ContainerID) async throws -> ContainerID? {
        let container: Unstarted
        if let new = unstarted.withLock({ $0.removeValue(forKey: id) }) {
            container = new
        } else {
            let details = try await existing(id, to: "start")
            if details.state?.status == "running" { return nil }
            container = Unstarted(details)
        }
        let answer = try await namingHolders(for: id) {
            try await connection.send(
                .post("/containers/\(id.hex)/start", to: "start container \(container.name)")
                    .calling(.start, service: container.service).within(deadlines.create))
        }
        return answer.status == 304 ? nil : id
    }

    func copy(_ files: [GrantedFile], into id: ContainerID) async throws {
        let container: Unstarted
        if let new = unstarted.withLock({ $0[id] }) {
            container = new
        } else {
            container = Unstarted(try await existing(id, to: "copy configs and secrets into"))
        }
        let operation = "copy configs and secrets into container \(container.name)"
        let archive: [UInt8]?
        do {
            archive = try GrantedFile.archive(of: files, modified: Int(Date().timeIntervalSince1970))
        } catch {
            throw EngineError(
                .invalidContainer, operation: operation, detail: "\(error)", service: container.service)
        }
        guard let archive else { return }
        var request = EngineRequest(.put, "/containers/\(id.hex)/archive", to: operation)
            .adding("path", "/").adding("noOverwriteDirNonDir", "true").within(deadlines.create)
            .calling(.start, service: container.service)
        request.body = .init(contentType: "application/x-tar", bytes: Data(archive))
        _ = try await connection.send(request)
    }

    /// Stops the container with its own signal and timeout. One that is gone does not run.
    func stop(_ id: ContainerID) async throws {
        guard let details = try await details(of: id.hex) else { return }
        let grace = Duration.seconds(details.config?.stopTimeout ?? 10)
        var request = EngineRequest.post("/containers/\(id.hex)/stop", to: "stop container \(details.plainName)")
            .within(grace + deadlines.stopMargin)
        request.service = Unstarted(details).service
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

extension EngineClient.Unstarted {
    init(_ details: ContainerDetails) {
        self.init(name: details.plainName, service: details.config?.labels?[ComposeLabels.service])
    }
}
