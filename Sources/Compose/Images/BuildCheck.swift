extension Project {
    /// What of the enabled services' builds and pulls cannot be done; paths without places.
    func imageProblems() -> [ComposeError.Problem] {
        services.keys.sorted().flatMap { name in
            services[name].map { $0.buildProblems() + $0.pullProblems() } ?? []
        } + clashes()
    }

    /// One reference is one image: services that would each make another of it would replace each other's for ever.
    private func clashes() -> [ComposeError.Problem] {
        var builders: [String: Service] = [:]
        var platforms: [String: Service] = [:]
        var problems: [ComposeError.Problem] = []
        for service in services.values.sorted(by: { $0.name < $1.name }) where service.provider == nil {
            let image = service.imageName(in: self)
            if let build = service.build {
                if let other = builders[image], other.build != build {
                    problems.append(
                        .init(
                            .semantics, at: nil, path: "services.\(service.name).build",
                            "makes the image \(image) as service \"\(other.name)\" does, but in another way"))
                }
                builders[image] = builders[image] ?? service
            }
            guard let platform = service.platform else { continue }
            if let other = platforms[image], let theirs = other.platform,
                ImagePlatform(theirs) != ImagePlatform(platform)
            {
                problems.append(
                    .init(
                        .unsupported, at: nil, path: "services.\(service.name).platform",
                        "service \"\(other.name)\" wants \(image) for \(theirs), and an engine has it for one"))
            }
            platforms[image] = platforms[image] ?? service
        }
        return problems
    }
}

extension Service {
    fileprivate func pullProblems() -> [ComposeError.Problem] {
        let path = "services.\(name).pull_policy"
        guard let policy = effectivePullPolicy else {
            return [
                .init(
                    .unsupported, at: nil, path: path,
                    "\"\(pullPolicy ?? "")\" is no policy; use always, missing, never, build, daily, weekly or "
                        + "every_<duration>")
            ]
        }
        if policy == .build, build == nil {
            return [.init(.semantics, at: nil, path: path, "\"build\" needs a build section")]
        }
        return []
    }

    /// The engine's classic builder is what its API offers; the rest is BuildKit's, which needs a session beside it.
    fileprivate func buildProblems() -> [ComposeError.Problem] {
        guard let build else { return [] }
        var problems: [ComposeError.Problem] = []
        func refuse(_ attribute: String, _ why: String, if condition: Bool) {
            guard condition else { return }
            problems.append(.init(.unsupported, at: nil, path: "services.\(name).build.\(attribute)", why))
        }
        let session = "need BuildKit, and watcher builds with the engine's classic builder"
        refuse(
            "context", "only directories of the commit are built; clone or vendor what is elsewhere",
            if: build.context.map(PathResolution.isRemoteContext) ?? false)
        refuse("secrets", "build secrets \(session)", if: !build.secrets.isEmpty)
        refuse("ssh", "SSH agents in a build \(session)", if: !build.ssh.isEmpty)
        refuse("additional_contexts", "more contexts than one \(session)", if: !build.additionalContexts.isEmpty)
        refuse("cache_to", "caches that are written \(session)", if: !build.cacheTo.isEmpty)
        refuse("entitlements", "entitlements \(session)", if: !build.entitlements.isEmpty)
        refuse("privileged", "privileged steps \(session)", if: build.privileged)
        refuse("provenance", "attestations \(session)", if: build.provenance.map { $0 != "false" } ?? false)
        refuse("sbom", "attestations \(session)", if: build.sbom.map { $0 != "false" } ?? false)
        refuse("platforms", "images for several platforms \(session)", if: build.platforms.count > 1)
        for (index, source) in build.cacheFrom.enumerated() {
            refuse(
                "cache_from[\(index)]", "the classic builder takes a cache from an image; give its reference alone",
                if: source.contains("="))
        }
        for (index, tag) in build.tags.enumerated() {
            refuse("tags[\(index)]", "\"\(tag)\" is no valid image reference", if: ImageReference(tag) == nil)
        }
        return problems
    }
}
