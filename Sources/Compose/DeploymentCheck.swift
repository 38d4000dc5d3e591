/// What docker compose accepts in a file but refuses to bring up, and what only it could: found before anything is
/// touched.
extension Project {
    /// Everything in the enabled services that cannot be deployed; empty when all can.
    package func deploymentProblems() -> [ComposeError.Problem] {
        let names = services.keys.sorted()
        var found = names.flatMap { services[$0]?.deploymentProblems() ?? [] }
        found += names.flatMap { services[$0].map(problemsOfFiles) ?? [] }
        found += problemsOfReplicas() + startFirstProblems() + imageProblems() + problemsOfDependencies()
        return found + problems(of: configs, "configs") + problems(of: secrets, "secrets")
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

    /// A service that is waited for to be healthy, and whose own check is switched off, never is.
    private func problemsOfDependencies() -> [ComposeError.Problem] {
        services.values.sorted { $0.name < $1.name }.flatMap { service in
            service.dependsOn.sorted { $0.key < $1.key }.compactMap { name, dependency in
                guard dependency.condition == .healthy, dependency.required,
                    services[name]?.healthcheck?.isSwitchedOff == true
                else { return nil }
                return .init(
                    .semantics, at: nil, path: "services.\(service.name).depends_on.\(name)",
                    "waits for \"\(name)\" to be healthy, but its health check is disabled")
            }
        }
    }

    /// Owners are numbers. Content that has to be copied into the container needs a file system that can be written.
    private func problemsOfFiles(of service: Service) -> [ComposeError.Problem] {
        let uses = [("configs", service.configs, configs), ("secrets", service.secrets, secrets)]
        let owners = uses.flatMap { part, references, _ in
            references.enumerated().flatMap { index, use in
                [("uid", use.uid), ("gid", use.gid)].compactMap { name, text -> ComposeError.Problem? in
                    guard let text, Int(text).map({ (0...0o7_777_777).contains($0) }) != true else { return nil }
                    return .init(
                        .semantics, at: nil, path: "services.\(service.name).\(part)[\(index)].\(name)",
                        "\"\(text)\" is not a numeric id")
                }
            }
        }
        guard service.readOnly else { return owners }
        return owners
            + uses.flatMap { part, references, objects in
                references.compactMap { reference in
                    guard let object = objects[reference.source], !object.external, object.file == nil else {
                        return nil
                    }
                    return ComposeError.Problem(
                        .semantics, at: nil, path: "services.\(service.name).\(part)",
                        "\"\(reference.source)\" is not a file, so it cannot be put into a read-only service")
                }
            }
    }
}

extension Project {
    /// What is deployed, but not quite as the files say; paths without places.
    package func deploymentWarnings() -> [ComposeError.Problem] {
        let ofServices = services.keys.sorted().flatMap { services[$0].map(warnings) ?? [] }
        let ofNetworks = networks.sorted { $0.key < $1.key }.filter {
            !$0.value.ipam.options.isEmpty && !$0.value.external
        }.map { key, _ in
            ComposeError.Problem(
                .unsupported, at: nil, path: "networks.\(key).ipam.options",
                "is not passed on to the engine, as docker compose does not either")
        }
        return updateWarnings() + ofServices + ofNetworks
    }

    private func warnings(of service: Service) -> [ComposeError.Problem] {
        let path = "services.\(service.name)"
        var warnings: [ComposeError.Problem] = []
        for (part, references, objects) in [
            ("configs", service.configs, configs), ("secrets", service.secrets, secrets),
        ] {
            for (index, reference) in references.enumerated() where objects[reference.source]?.file != nil {
                guard reference.uid != nil || reference.gid != nil || reference.mode != nil else { continue }
                warnings.append(
                    .init(
                        .unsupported, at: nil, path: "\(path).\(part)[\(index)]",
                        "uid, gid and mode do not hold for \"\(reference.source)\", a file that is mounted as it is; "
                            + "change those of the file"))
            }
        }
        for (index, source) in service.volumesFrom.enumerated() where source.hasSuffix(":ro") {
            warnings.append(
                .init(
                    .unsupported, at: nil, path: "\(path).volumes_from[\(index)]",
                    "ro is dropped, as docker compose does: the service may write what the other one may"))
        }
        return warnings
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
