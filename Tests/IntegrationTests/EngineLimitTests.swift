import Testing
import WatcherTestSupport

/// What the engine at hand cannot do.
@Suite struct EngineLimitTests {
    /// The interface's name came with API 1.49: every engine either gives it, or the commit is refused.
    // C14, E8
    @Test func `an attribute the engine does not have is refused with its place, before anything is touched`()
        async throws
    {
        try await Scenario.with { scenario in
            let deployed = try await Deployed(stack(service("web")), in: scenario)
            let before = try await deployed.containers()
            let named = stack(service("web", "networks:", "  default:", "    interface_name: eth7"))
            let commit = try await deployed.repository.commit(compose: named, "name the interface")
            let version = try await scenario.engine.json("GET", "/version")
            let minor = Int(version["ApiVersion"].text?.split(separator: ".").last ?? "") ?? 0
            guard minor < 49 else {
                try await deployed.watcher.run("deploy").expecting(0)
                let id = try await deployed.container("web").id
                let link = try await scenario.engine.output(of: ["ip", "link", "show", "eth7"], in: id)
                #expect(link.contains("eth7"))
                return
            }
            let isPodman = version["Components"].elements.contains { $0["Name"].text == "Podman Engine" }
            let why =
                isPodman ? "Podman does not do this" : "needs Engine API 1.49 (Docker 28.1), and this engine speaks 1."
            for command in ["check", "deploy"] {
                try await deployed.watcher.run(command).expecting(65)
                    .saying(
                        "compose.yaml:6:9: services.web.networks.default.interface_name: \(why)", "nothing was touched")
            }
            #expect(try await deployed.containers() == before)
            try await deployed.watcher.run("history", deployed.project).expecting(0)
                .saying("invalid", String(commit.prefix(7)))
            // Not said again on every tick; what runs stays.
            try await deployed.watcher.run("deploy").expecting(65)
            #expect(try await deployed.containers() == before)
        }
    }

    @Test func `an engine that is too old is refused with 69 and what to do`() async throws {
        let engine = try ScriptedEngine { request in
            request.hasSuffix("/_ping") ? ScriptedEngine.answer("OK", headers: ["Api-Version: 1.40"]) : nil
        }
        defer { engine.end() }
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: ["engine: {host: \"\(engine.host)\"}"]))
            try await watcher.run("deploy").expecting(69).saying("speaks API 1.40", "Docker 20.10 or newer")
        }
        #expect(engine.requests == ["GET /_ping"])
    }

    @Test func `an engine that never answers is given up after the configured time`() async throws {
        let engine = try ScriptedEngine { request in
            request.hasSuffix("/_ping") ? ScriptedEngine.answer("OK", headers: ["Api-Version: 1.41"]) : nil
        }
        defer { engine.end() }
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL,
                    settings: ["engine: {host: \"\(engine.host)\", timeout: 1s}"]))
            try await watcher.run("deploy").expecting(69)
                .saying("no answer from the engine", "within 1 s", "overloaded or stuck")
        }
    }
}
