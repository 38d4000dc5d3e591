import Compose
import Deploy
import Reconcile
import Testing
import WatcherTestSupport

private func web(_ number: Int) -> String { pair.replacing("web:1", with: "web:\(number)") }
private let alice = Signer(format: .ssh, name: "alice@example.com", key: "SHA256:abc")

/// Signatures through the whole flow.
@Suite struct VerifyFlowTests {
    private func house(_ mode: VerificationSettings.Mode = .tip) -> House {
        let house = House()
        house.configure { $0.verification = VerificationSettings(allowedSigners: "/etc/signers", mode: mode) }
        return house
    }

    @discardableResult
    private func push(_ house: House, _ number: Int, signed: Bool = true, onto parent: CommitID? = nil) -> Commit {
        let commit = house.push(web(number), onto: parent)
        if signed { house.source.with { $0.signatures[commit.id.hex] = .verified(alice) } }
        return commit
    }

    @Test func `who signed is said and recorded`() async {
        let house = house()
        push(house, 1)
        let result = await house.deploy()
        #expect(result.outcome == .deployed && result.signature == alice)
        #expect(house.deployment(1)?.signature == alice)
        #expect(
            house.events.contains {
                $0.stage == .verify && $0.state == .succeeded
                    && $0.line == "verified: signed by alice@example.com (SHA256:abc)"
            })
        // What heals it says the same.
        house.engine.with { $0.engine.state.containers.removeAll { $0.service == "web" } }
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.deployment(2)?.kind == .heal && house.deployment(2)?.signature == alice)
    }

    @Test func `a commit that is not signed is refused once, and what was deployed is healed`() async {
        let house = house()
        push(house, 1)
        _ = await house.deploy()
        let refused = push(house, 2, signed: false)
        #expect(await house.deployer.check().outcome == .refused)
        for force in [false, true, false] {
            let result = await house.deploy { $0.force = force }
            #expect(result.outcome == .refused && result.failure?.reason == .signature)
            #expect(result.failure?.stage == .verify && result.tip == refused)
            #expect(result.failure?.message == "commit \(refused.id.short) is not signed")
            #expect(ExitStatus(result.outcome, result.failure?.reason) == .refused)
        }
        #expect(house.statuses == ["deploy succeeded", "deploy refused"])
        #expect(house.deployment(2)?.attempts == 3)
        #expect(house.skipped == [])
        #expect(
            house.events.contains { $0.stage == .verify && $0.state == .failed && $0.line.contains("is not signed") })
        house.engine.with { $0.engine.state.containers.removeAll { $0.service == "web" } }
        #expect(await house.deploy().outcome == .refused)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web1 up"])
    }

    @Test func `a refused commit may be taken back without a word, and nothing older may come`() async {
        let house = house()
        let first = push(house, 1)
        let second = push(house, 2)
        _ = await house.deploy()
        push(house, 3, signed: false)
        #expect(await house.deploy().outcome == .refused)
        house.source.with { $0.tip = second.id }
        #expect(await house.deploy().outcome == .inSync)
        house.source.with { $0.tip = first.id }
        #expect(await house.deploy().outcome == .rewritten)
    }

    @Test func `what could not be verified at all changes nothing`() async {
        let house = house()
        push(house, 1)
        house.source.with { $0.verifierTrouble = Trouble(reason: .permissions, message: "others may write to it") }
        let result = await house.deploy()
        #expect(result.outcome == .error && result.failure?.reason == .permissions && house.statuses == [])
    }

    @Test func `without trust in anybody nothing is verified`() async {
        let house = House()
        house.push(web(1))
        let result = await house.deploy()
        #expect(result.outcome == .deployed && result.signature == nil)
        #expect(house.source.with { $0.verified } == [])
    }

    // MARK: - Every commit

    @Test func `a commit cannot hide below a signed one where every commit has to be signed`() async {
        for mode in VerificationSettings.Mode.allCases {
            let house = house(mode)
            push(house, 1)
            _ = await house.deploy()
            let hidden = push(house, 2, signed: false)
            push(house, 3)
            let result = await house.deploy()
            #expect(result.outcome == (mode == .tip ? .deployed : .refused))
            guard mode == .every else { continue }
            #expect(result.failure?.message.contains(hidden.id.short) == true)
            #expect(result.failure?.message.contains("it is new below 3333333333") == true)
        }
    }

    @Test func `the history below the first deployment is trusted`() async {
        let house = house(.every)
        push(house, 1, signed: false)
        push(house, 2)
        #expect(await house.deploy().outcome == .deployed)
        #expect(house.source.with { $0.verified.count } == 1)
    }

    @Test func `what was verified is not verified again until somebody else is trusted`() async {
        let house = house(.every)
        push(house, 1)
        _ = await house.deploy()
        push(house, 2)
        house.makeAll(from: "web:3", do: .exits(1))
        let tip = push(house, 3)
        func verified(_ run: () async -> RunResult) async -> [String] {
            house.source.with { $0.verified = [] }
            _ = await run()
            return house.source.with { $0.verified.map { String($0.prefix(1)) } }
        }
        // A check remembers nothing.
        #expect(await verified { await house.deployer.check() } == ["3", "2"])
        #expect(await verified { await house.deploy() } == ["3", "2"])
        // The commit itself is always looked at, those below it never again.
        #expect(await verified { await house.deploy() } == ["3"])
        house.source.with { $0.verifier = "bob" }
        #expect(await verified { await house.deploy() } == ["3", "2"])
        _ = tip
    }

    // MARK: - Tags

    @Test func `a signed tag, or a signed commit below it, suffices`() async {
        let house = house()
        house.configure { $0.revision = "tags v*" }
        let first = push(house, 1, signed: false)
        house.source.with {
            $0.tag = Tag(name: "v1.0.0", object: "a1")
            $0.signatures["a1"] = .refused(SignatureFault(.unknownSigner, "tag v1.0.0"))
        }
        let refused = await house.deploy()
        #expect(
            refused.outcome == .refused && refused.failure?.message.hasPrefix("tag v1.0.0 is signed by nobody") == true)
        house.source.with { $0.signatures[first.id.hex] = .verified(alice) }
        #expect(await house.deploy().signature == alice)
        var byTag = alice
        byTag.tag = "v1.1.0"
        push(house, 2, signed: false)
        house.source.with {
            $0.tag = Tag(name: "v1.1.0", object: "a2")
            $0.signatures["a2"] = .verified(byTag)
        }
        #expect(await house.deploy().signature == byTag)
        #expect(house.events.contains { $0.line.hasSuffix("(SHA256:abc), tag v1.1.0") })
    }

    // MARK: - Back

    @Test func `a rollback goes to what was verified, and to nothing else unless it is forced`() async {
        let house = House()
        house.push(web(1))
        _ = await house.deploy()
        house.configure { $0.verification = VerificationSettings(allowedSigners: "/etc/signers") }
        push(house, 2)
        _ = await house.deploy()
        push(house, 3)
        _ = await house.deploy()
        let first = DeploymentID(project: "shop", number: 1)
        let refused = await house.rollback(to: .deployment(first))
        #expect(refused.outcome == .refused && refused.failure?.reason == .signature)
        #expect(house.names == ["shop-db-1 db1 up", "shop-web-1 web3 up"])
        #expect(refused.failure?.message.contains("deployment shop/1 was not verified when it was deployed") == true)

        house.source.with { $0.signatures = [:] }
        #expect(await house.rollback(to: .deployment(DeploymentID(project: "shop", number: 2))).outcome == .deployed)
        #expect(house.deployment(4)?.signature == alice)
        #expect(await house.rollback(to: .deployment(first)) { $0.force = true }.outcome == .deployed)
        #expect(house.deployment(5)?.signature == nil)
    }
}
