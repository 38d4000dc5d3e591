/// What docker compose accepts in a file but refuses to bring up, and what only it could: found before anything is
/// touched.
extension Project {
    /// Everything in the enabled services that cannot be deployed; empty when all can.
    package func deploymentProblems() -> [ComposeError.Problem] {
        let names = services.keys.sorted()
        return names.flatMap { services[$0]?.deploymentProblems() ?? [] }
            + names.flatMap { services[$0].map(problemsOfFiles) ?? [] }
            + imageProblems() + problems(of: configs, "configs") + problems(of: secrets, "secrets")
    }

    private func problems(of objects: [String: FileObject], _ part: String) -> [ComposeError.Problem] {
        objects.sorted { $0.key < $1.key }.compactMap { key, object in
            func problem(_ kind: ComposeError.Problem.Kind, _ message: String) -> ComposeError.Problem {
                .init(kind, at: nil, path: "\(part).\(key)", message)
            }
            if object.external { return problem(.unsupported, "external \(part) exist only in a swarm") }
            if object.driver != nil || object.templateDriver != nil {
                return problem(.unsupported, "drivers of \(part) exist only in a swarm")
            }
            if let variable = object.environment, object.content == nil {
                return problem(.semantics, "the variable \(variable) that holds the content is not set")
            }
            return nil
        }
    }

    /// Content that has to be copied into the container needs a file system that can be written.
    private func problemsOfFiles(of service: Service) -> [ComposeError.Problem] {
        guard service.readOnly else { return [] }
        let uses = [("configs", service.configs, configs), ("secrets", service.secrets, secrets)]
        return uses.flatMap { part, references, objects in
            references.compactMap { reference in
                guard let object = objects[reference.source], !object.external, object.file == nil else { return nil }
                return .init(
                    .semantics, at: nil, path: "services.\(service.name).\(part)",
                    "\"\(reference.source)\" is not a file, so it cannot be put into a read-only service")
            }
        }
    }
}

extension Project {
    /// What is deployed, but not quite as the files say; paths without places.
    package func deploymentWarnings() -> [ComposeError.Problem] {
        services.keys.sorted().compactMap { name in
            guard services[name]?.deploy?.updateConfig?.order == "start-first" else { return nil }
            return .init(
                .unsupported, at: nil, path: "services.\(name).deploy.update_config.order",
                "start-first is not supported by this version of watcher; the old container is stopped first")
        }
    }
}

extension Service {
    fileprivate func deploymentProblems() -> [ComposeError.Problem] {
        var problems: [ComposeError.Problem] = []
        func report(_ kind: ComposeError.Problem.Kind, _ attribute: String, _ message: String) {
            problems.append(.init(kind, at: nil, path: "services.\(name).\(attribute)", message))
        }
        if provider != nil { report(.unsupported, "provider", "providers need docker compose's plugins") }
        if !models.isEmpty { report(.unsupported, "models", "models need Docker Model Runner") }
        if useAPISocket {
            report(.unsupported, "use_api_socket", "passing on the engine's socket with credentials is not supported")
        }
        if credentialSpec != nil { report(.unsupported, "credential_spec", "credential specs exist only on Windows") }
        if healthcheck?.startInterval != nil, healthcheck?.startPeriod == nil {
            report(.semantics, "healthcheck", "start_interval needs start_period")
        }
        if image.map({ ImageReference($0) == nil && !Self.isImageID($0) }) == true {
            report(.semantics, "image", "\"\(image ?? "")\" is no valid image reference")
        }
        return problems + problemsOfContainer()
    }

    private static func isImageID(_ text: String) -> Bool {
        let digits = text.hasPrefix("sha256:") ? text.dropFirst("sha256:".count) : text[...]
        return digits.count == 64 && digits.allSatisfy(\.isHexDigit)
    }
}
