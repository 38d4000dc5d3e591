import Compose
import Reconcile

// The policy, asked in one place: of every plan, before anything is touched.

extension Run {
    /// Throws unless the policies allow all that the plan makes. A commit is judged whole; of what was deployed already only
    /// what would be made or started again, for nothing that runs is stopped because of a policy.
    ///
    /// - Returns: a warning of what runs and would not be made again.
    func judge(_ compared: Compared) throws -> [String] {
        let candidate = compared.candidate
        let touched = candidate.kind == .heal ? compared.plan.touchedServices : nil
        let denied = try violations(
            of: candidate.snapshot.project, touched, compared.observed, pinned: candidate.pinnedImages)
        guard denied.isEmpty else { throw refusal(candidate.placing(denied)) }
        guard touched != nil else { return [] }
        let standing = try violations(of: candidate.snapshot.project, nil, compared.observed, judgesImages: false)
        guard let first = standing.first else { return [] }
        let more = standing.count > 1 ? " (and \(standing.count - 1) more)" : ""
        return ["what runs violates the policy and would not be made again: \(first.description)\(more)"]
    }

    /// The same of containers that a person wants started.
    func judgeStart(_ plan: Plan, of project: Project, _ observed: ObservedState) throws {
        let denied = try violations(of: project, plan.touchedServices, observed)
        guard denied.isEmpty else { throw refusal(denied) }
    }

    /// - Parameter judgesImages: false leaves out what is known only of images on the engine, such as their age.
    private func violations(
        of project: Project, _ services: Set<String>?, _ observed: ObservedState, judgesImages: Bool = true,
        pinned: [String: String] = [:]
    ) throws -> [ComposeError.Problem] {
        let policies = settings.policies
        guard !policies.isEmpty else { return [] }
        var facts = PolicyFacts(checkout: source.checkoutPath)
        facts.engineSocket = settings.engineSocket
        let paths = policies.pathsToResolve(of: project, on: observed.volumes, checkout: source.checkoutPath)
        for path in paths.isEmpty ? paths : paths.union(settings.engineSocket.map { [$0] } ?? []) {
            facts.resolved[path] = try deployer.hostFiles.resolve(path)
        }
        facts.images = judgesImages ? observed.images : nil
        (facts.networks, facts.volumes) = (observed.networks, observed.volumes)
        facts.pinnedImages = pinned
        facts.services = services
        facts.now = now
        return policies.violations(of: project, facts)
    }

    /// What no run may do, whatever the commit.
    func refusal(
        _ problems: [ComposeError.Problem],
        advice: String =
            "Push a commit that fulfils the policy, or change `policy` in the configuration; nothing was touched."
    ) -> DeployError {
        let service = "services.\(settings.runName)"
        let problems = problems.map { problem in
            var problem = problem
            if settings.run != nil, problem.path.hasPrefix(service) {
                problem.path = "run" + problem.path.dropFirst(service.count)
            }
            return problem
        }
        return DeployError(
            stage: .plan, reason: .policy,
            message: ComposeError(problems.inOrderOfPlace).relative(to: source.checkoutPath).description,
            advice: advice)
    }

    // MARK: - Signatures of images

    /// Throws unless every image that the plan runs is signed as the policies demand. Images that are not there yet are
    /// left to the run that pulls them.
    func verifyImages(_ compared: Compared) async throws {
        let rules = settings.policies.compactMap { policy in policy.cosign.map { (policy, $0) } }
        guard !rules.isEmpty else { return }
        let candidate = compared.candidate
        let project = candidate.snapshot.project
        let touched = candidate.kind == .heal ? compared.plan.touchedServices : Set(project.services.keys)
        let services = touched.sorted().compactMap { project.services[$0] }.filter { $0.provider == nil }
        guard !services.isEmpty else { return }
        var seen: Set<String> = []
        var problems: [ComposeError.Problem] = []
        try await stage(.verify, "verifying the signatures of images") {
            for use in services.flatMap({ project.imageUses(of: $0) }) {
                let key = use.service.flatMap { candidate.pinnedImages[$0] } ?? use.reference
                guard seen.insert(key).inserted else { continue }
                guard let image = compared.observed.images[key] else {
                    log.progress(.verify, .warning, "\(use.reference) is not here yet; its signature was not verified")
                    continue
                }
                for (policy, rule) in rules where !(policy.allowsBuilds && project.builds(use.reference)) {
                    guard let problem = try await problem(of: image, use.reference, rule) else { continue }
                    problems.append(
                        .init(
                            .semantics, at: nil, path: use.path,
                            "\(use.reference) \(problem), and `\(policy.name).cosign` demands a signature"))
                }
            }
            guard problems.isEmpty else { throw refusal(candidate.placing(problems)) }
        }
    }

    /// What is wrong with the image's signature; nil when it has the one that is asked for.
    private func problem(
        of image: ObservedState.Image, _ reference: String, _ rule: CosignRule
    ) async throws -> String? {
        let digests = image.digests(of: reference)
        guard !digests.isEmpty else { return "has no digest of a registry" }
        var problem = ""
        for digest in digests {
            var command = HostCommand(
                arguments: rule.arguments(verifying: digest), title: "cosign verify \(digest)", directory: "/",
                timeout: .seconds(120))
            command.environment = rule.environment
            let output = OutputTail(count: 20)
            let end = try await deployer.commands.run(command) { output.add($0) }
            switch end {
            case .exited(status: 0):
                log.progress(.verify, .succeeded, "\(digest) is signed")
                return nil
            case .notStarted(let why):
                return "cannot be verified: the program `cosign` cannot be run (\(why)); install it"
            case .timedOut:
                throw DeployError(
                    stage: .verify, reason: .registryUnreachable,
                    message: "\(command.title) took longer than two minutes",
                    advice: "Nothing was touched; the next run tries again.")
            case .exited, .killed, .lost:
                let words = output.lines.last { !$0.isEmpty }.map { ": \($0)" } ?? ""
                problem = "is not verified: `cosign verify` \(end)\(words)"
            }
        }
        return problem
    }
}

extension ObservedState.Image {
    /// Where a registry has it, `registry/repository@sha256:…`, by the repository of the reference.
    fileprivate func digests(of reference: String) -> [String] {
        guard let wanted = ImageReference(reference) else { return [] }
        return repoDigests.compactMap { text in
            guard let known = ImageReference(text), let digest = known.digest,
                known.registry == wanted.registry, known.repository == wanted.repository
            else { return nil }
            return "\(known.registry)/\(known.repository)@\(digest)"
        }
    }
}

extension Project {
    /// The images that a service's containers have: their own, and those that they mount.
    fileprivate func imageUses(of service: Service) -> [(reference: String, service: String?, path: String)] {
        let path = "services.\(service.name)"
        let mounted = service.volumes.enumerated().compactMap { index, mount -> (String, String?, String)? in
            guard mount.kind == .image, let source = mount.source else { return nil }
            return (source, nil, "\(path).volumes[\(index)]")
        }
        return [(service.imageName(in: self), service.name, "\(path).image")] + mounted
    }

    fileprivate func builds(_ reference: String) -> Bool {
        services.values.contains { $0.build != nil && $0.imageName(in: self) == reference }
    }
}
