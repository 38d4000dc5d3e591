import Testing
import WatcherTestSupport

/// Signatures, from `git commit -S` to what runs.
@Suite struct SignatureTests {
    @Test func `only what somebody who is trusted has signed is deployed, and everything says who or why not`()
        async throws
    {
        try await Scenario.with { scenario in
            let web = { (greeting: String) in stack(service("web", "environment: {GREETING: \(greeting)}")) }
            let key = "\(scenario.directory)/alice"
            try await scenario.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]).expecting(0)
            let words = try await scenario.run("cat", [key + ".pub"]).output.split(separator: " ").prefix(2)
            let signers = try scenario.write(
                "alice@example.com " + words.joined(separator: " ") + "\n", to: "allowed_signers")
            let repository = try await scenario.repository()
            for (name, value) in [("gpg.format", "ssh"), ("user.signingKey", key), ("commit.gpgSign", "true")] {
                try await repository.configure(name, value)
            }
            let signed = try await repository.commit(compose: web("one"), "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL,
                    settings: ["git: {verify: {allowed_signers: \(signers), mode: every}}"]))
            let deployed = Deployed(scenario: scenario, repository: repository, watcher: watcher)
            try await watcher.run("deploy").expecting(0)
                .saying("verified: signed by alice@example.com (SHA256:")
            try await watcher.run("history", "show", "1").expecting(0).saying("Signed:   alice@example.com (SHA256:")
            let shown = try await watcher.json("history", "show", "1", expecting: 0)["deployment"]["signature"]
            #expect(shown["name"].text == "alice@example.com" && shown["format"].text == "ssh")
            #expect(try await watcher.json("deploy", expecting: 0)["projects"].elements.first?["signature"] == shown)

            try await repository.configure("commit.gpgSign", "false")
            let unsigned = try await repository.commit(compose: web("two"), "sneak in")
            let before = try await deployed.containers()
            let words77 = "commit \(unsigned.prefix(10)) is not signed"
            try await watcher.run("check").expecting(77).saying(words77)
            for _ in 0..<2 { try await watcher.run("deploy").expecting(77).saying(words77) }
            try await watcher.run("deploy", "--force").expecting(77)
            #expect(try await deployed.containers() == before)
            #expect(try await deployed.statuses() == ["succeeded", "refused"])
            try await watcher.run("history").expecting(0).saying("refused", words77)
            try await watcher.run("status").expecting(0).saying("refused", words77)
            let result = try await watcher.json("deploy", expecting: 77)["projects"].elements.first
            #expect(result?["outcome"].text == "refused" && result?["failure"]["reason"].text == "signature")

            // It cannot hide below a signed one, and may be taken back.
            try await repository.configure("commit.gpgSign", "true")
            try await repository.commit(compose: web("three"), "go on")
            try await watcher.run("deploy").expecting(77).saying(words77, "it is new below")
            try await repository.rewind(to: signed)
            try await repository.commit(compose: web("four"), "go on properly")
            try await watcher.run("deploy").expecting(0)
            #expect(try await deployed.container("web").environment.contains("GREETING=four"))
        }
    }
}
