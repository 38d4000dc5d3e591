import Reconcile

extension Fetched {
    /// How many commits are verified in one run at most.
    private static let mostCommits = 10_000
    /// After so many that were verified, they are remembered.
    private static let batch = 200

    /// What comes of verifying the signature of the commit, or of the tag that leads to it, and of every new commit below
    /// where the configuration demands that; nil when it demands no signature.
    ///
    /// - Parameter remembers: what was verified is stored, so that the next run need not do it again.
    func verify(remembers: Bool) async throws -> SignatureState? {
        guard let settings = run.settings.verification else { return nil }
        run.log.progress(.verify, .started, "verifying the signature of \(commit.id.short)")
        do {
            let verifier = try await run.source.verifier(settings)
            var state = try await verify(with: verifier)
            var below = 0
            if case .verified = state, settings.mode == .every {
                let history = try await verifyHistory(with: verifier, remembers: remembers)
                below = history.count
                if let fault = history.fault { state = .refused(fault) }
            }
            switch state {
            case .verified(let signer):
                let more = below == 0 ? "" : ", and \(below) commit\(below == 1 ? "" : "s") below"
                run.log.progress(.verify, .succeeded, "verified: signed by \(signer.description)\(more)")
                run.log.status(.verify, .succeeded, "the signature of \(commit.id.short) is good")
            case .refused(let fault): run.log.status(.verify, .failed, fault.message.firstLine)
            }
            return state
        } catch {
            let failure = DeployError(error, stage: .verify)
            run.log.status(.verify, .failed, failure.message.firstLine)
            throw failure
        }
    }

    private func verify(with verifier: any SignatureVerifier) async throws -> SignatureState {
        guard let tag = followed.tag, commit.id == tip.id, tag.object != commit.id.hex else {
            return try await verifier.state(of: commit.id)
        }
        return try await .either(verifier.state(of: tag, at: commit.id)) { try await verifier.state(of: commit.id) }
    }

    /// Verifies the commits that are new with this one, it aside, up to the first that is not signed as it should be. At the
    /// first deployment there is none: to begin is to trust what was there.
    private func verifyHistory(
        with verifier: any SignatureVerifier, remembers: Bool
    ) async throws -> (count: Int, fault: SignatureFault?) {
        guard let deployed else { return (0, nil) }
        let commits = try await run.source.history(of: commit.id, after: deployed, atMost: Self.mostCommits + 1)
        guard commits.count <= Self.mostCommits else {
            return (
                0,
                SignatureFault(
                    .unverifiable, "commit \(commit.id.short)",
                    "more than \(Self.mostCommits) commits are new since \(deployed.short)",
                    advice: "Deploy a commit in between first (`--commit`).")
            )
        }
        let below = commits.filter { $0 != commit.id }
        let known = try await run.store.verifiedCommits(of: run.settings.name, by: verifier.id)
        var fresh: [CommitID] = []
        var fault: SignatureFault?
        for id in below where !known.contains(id) {
            try Task.checkCancellation()
            guard case .refused(let found) = try await verifier.state(of: id) else {
                fresh.append(id)
                if remembers, fresh.count.isMultiple(of: Self.batch) {
                    try await run.store.noteVerified(fresh.suffix(Self.batch), of: run.settings.name, by: verifier.id)
                }
                continue
            }
            fault = found
            fault?.detail = [found.detail, "it is new below \(commit.id.short)"].filter { !$0.isEmpty }
                .joined(separator: "; ")
            break
        }
        let rest = fresh.suffix(fresh.count % Self.batch)
        if remembers, !rest.isEmpty {
            try await run.store.noteVerified(Array(rest), of: run.settings.name, by: verifier.id)
        }
        return (below.count, fault)
    }

    /// Leaves the commit alone, which is recorded, and keeps what was deployed as it is.
    func refuse(_ fault: SignatureFault) async throws -> RunResult { try await concludeUnloaded(DeployError(fault)) }

    func previewRefused(_ fault: SignatureFault) async throws -> RunResult {
        try await previewRejected(DeployError(fault))
    }
}

extension Run {
    /// Who signed what the deployment ran, as was found out when it was deployed, or now. Throws when nobody did who is
    /// trusted, and somebody should have.
    func verify(recorded: Deployment, isForced: Bool) async throws -> Signer? {
        guard let settings = settings.verification, recorded.signature == nil, !isForced else {
            return recorded.signature
        }
        let state: SignatureState
        do {
            state = try await source.verifier(settings).state(of: recorded.commit.id)
        } catch {
            throw DeployError(error, stage: .verify)
        }
        switch state {
        case .verified(let signer): return signer
        case .refused(let fault):
            var failure = DeployError(fault)
            failure.message = "deployment \(recorded.id) was not verified when it was deployed: \(failure.message)"
            failure.advice = "Choose one that is signed, or add --force."
            throw failure
        }
    }
}

extension DeployError {
    init(_ fault: SignatureFault) {
        self.init(
            stage: .verify, reason: .signature, message: fault.message,
            advice: fault.advice.isEmpty ? "Push a commit that is signed with a trusted key." : fault.advice)
    }
}
