import Foundation
import Testing
import WatcherTestSupport

/// What a deployment tells while it works is what is stored, and what the schema says.
@Suite struct EventTests {
    private func web(_ greeting: String, _ lines: String...) -> String {
        stack(
            "  web:\n"
                + (["image: busybox:1", "environment: {GREETING: \(greeting)}", "stop_signal: SIGKILL"] + lines)
                .map { "    \($0)\n" }.joined())
    }

    private let sleeping = #"command: [sleep, "900"]"#

    /// The lines of a run, each held against the schema.
    private func lines(of run: FinishedProcess, _ scenario: Scenario) async throws -> [JSONValue] {
        try await validate(run.output, as: "", scenario)
        return try run.output.split(whereSeparator: \.isNewline).map { try JSONValue(parsing: String($0)) }
    }

    /// The stored events of a deployment, each held against the schema.
    private func stored(_ id: String, _ watcher: WatcherProgram, _ scenario: Scenario) async throws -> [JSONValue] {
        let shown = try await watcher.run("history", "show", id, "--events", "--format", "json").expecting(0).output
        try await validate(shown, as: "#/$defs/event", scenario)
        return try #require(try JSONValue(parsing: shown).members["events"]).elements
    }

    private func validate(_ lines: String, as part: String, _ scenario: Scenario) async throws {
        let program = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            if sys.argv[3]: schema = {"$ref": sys.argv[3], "$defs": schema["$defs"]}
            validator = jsonschema.Draft202012Validator(schema)
            values = [json.loads(line) for line in open(sys.argv[2])]
            if sys.argv[3]: values = values[0]["events"]
            if not values: sys.exit("nothing to check")
            for value in values: validator.validate(value)
            """
        let file = try scenario.write(lines, to: "lines.ndjson")
        try await scenario.run(
            "python3", ["-c", program, "\(TestEnvironment.root)/docs/events.schema.json", file, part]
        ).expecting(0)
    }

    /// A run's stream, without its result, as it should be stored.
    private func told(_ lines: [JSONValue]) throws -> [JSONValue] {
        #expect(try #require(lines.last).members["kind"]?.text == "result")
        return lines.dropLast().map { line in
            var members = line.members
            members["project"] = nil
            return .object(members)
        }
    }

    private func isClosed(_ events: [JSONValue], _ state: String) -> Bool {
        guard let last = events.last?.members else { return false }
        return last["kind"]?.text == "status" && last["stage"]?.text == "record" && last["state"]?.text == state
    }

    /// The stages in the order in which each was first told of.
    private func stages(_ events: [JSONValue]) -> [String] {
        var seen: [String] = []
        for stage in events.compactMap({ $0.members["stage"]?.text }) where !seen.contains(stage) { seen.append(stage) }
        return seen
    }

    @Test func `what is streamed is what is stored, however a deployment ends`() async throws {
        try await Scenario.with { scenario in
            let settings = ["build: [{shell: 'cat note; test ! -e broken'}]"]
            let repository = try await scenario.repository()
            try await repository.commit(["compose.yaml": web("one", sleeping), "note": "hello builder\n"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            func deploy(_ arguments: String..., status: Int) async throws -> [JSONValue] {
                let command = arguments.isEmpty ? ["deploy"] : arguments
                let run =
                    command.count == 1
                    ? try await watcher.run("deploy", "--format", "json")
                    : try await watcher.run(command[0], command[1], "--format", "json")
                return try told(try await lines(of: run.expecting(status), scenario))
            }

            let first = try await deploy(status: 0)
            #expect(try await stored("\(scenario.id)/1", watcher, scenario) == first)
            #expect(isClosed(first, "succeeded"))
            #expect(
                stages(first) == ["fetch", "checkout", "build", "load", "plan", "apply", "health", "record"])
            #expect(
                first.contains {
                    $0.members["kind"]?.text == "log" && $0.members["stage"]?.text == "build"
                        && $0.members["line"]?.text == "hello builder"
                })

            // A commit that does not build.
            try await repository.commit(["broken": ""], "break the build")
            let unbuilt = try await deploy(status: 20)
            #expect(try await stored("\(scenario.id)/2", watcher, scenario) == unbuilt)
            #expect(isClosed(unbuilt, "failed"))
            #expect(stages(unbuilt) == ["fetch", "checkout", "build", "record"])

            // One that does not get healthy.
            try await repository.commit(
                ["broken": nil, "compose.yaml": web("two", sleeping, neverHealthy)], "greet badly")
            let unhealthy = try await deploy(status: 20)
            #expect(try await stored("\(scenario.id)/3", watcher, scenario) == unhealthy)
            #expect(isClosed(unhealthy, "failed"))
            #expect(stages(unhealthy).suffix(3) == ["health", "rollback", "record"])

            // One that is rolled back by hand.
            try await repository.commit(["compose.yaml": web("three", sleeping)], "greet well")
            _ = try await deploy(status: 0)
            let rolledBack = try await deploy("rollback", scenario.id, status: 0)
            #expect(try await stored("\(scenario.id)/5", watcher, scenario) == rolledBack)
            #expect(isClosed(rolledBack, "succeeded"))

            // An error is no event, but has its place in the schema.
            let unknown = try await watcher.run("deploy", "nobody", "--format", "json").expecting(78)
            #expect(try await lines(of: unknown, scenario).map { $0.members["kind"]?.text } == ["error"])
        }
    }

    @Test func `a run that is interrupted closes its own stream`() async throws {
        try await Scenario.with { scenario in
            let slow = healthyAfter(seconds: 600)
            let deployed = try await Deployed(web("one", sleeping), in: scenario)
            try await deployed.repository.commit(compose: web("two", slow[0], slow[1]), "greet slowly")
            let begun = Date()
            let ended = try await deployed.watcher.run("deploy", "--format", "json") { running in
                try await scenario.engine.waitForEvent("start", project: scenario.id, since: begun)
                try running.send(SIGTERM)
            }.expecting(143)
            let streamed = try told(try await lines(of: ended, scenario))
            #expect(try await stored("\(scenario.id)/2", deployed.watcher, scenario) == streamed)
            #expect(isClosed(streamed, "failed"))
            #expect(stages(streamed).suffix(2) == ["rollback", "record"])
            #expect(try await deployed.container("web").environment.contains("GREETING=one"))
        }
    }

    @Test func `the next run closes the stream of one that was killed`() async throws {
        try await Scenario.with { scenario in
            let slow = healthyAfter(seconds: 600)
            let deployed = try await Deployed(web("one", sleeping), in: scenario)
            try await deployed.repository.commit(compose: web("two", slow[0], slow[1]), "greet slowly")
            let begun = Date()
            let killed = try await deployed.watcher.run("deploy", "--format", "json") { running in
                try await scenario.engine.waitForEvent("start", project: scenario.id, since: begun)
                try running.send(SIGKILL)
            }.expecting(137)
            let streamed = try killed.output.split(whereSeparator: \.isNewline).map {
                var members = try JSONValue(parsing: String($0)).members
                members["project"] = nil
                return JSONValue.object(members)
            }
            try await deployed.repository.commit(compose: web("three", sleeping), "greet well")
            try await deployed.watcher.run("deploy").expecting(0)

            let events = try await stored("\(scenario.id)/2", deployed.watcher, scenario)
            let common = zip(events, streamed).prefix { $0 == $1 }.count
            // The health check may have said its first word before the run was killed.
            #expect(
                stages(events[..<common].filter { $0["stage"].text != "health" })
                    == ["fetch", "checkout", "load", "plan", "apply"])
            // What follows are the next run's, but for one that was stored and not yet streamed.
            #expect(stages(Array(events[common...].drop { $0["stage"].text != "rollback" })) == ["rollback", "record"])
            #expect(isClosed(events, "failed"))
            #expect(try await deployed.container("web").environment.contains("GREETING=three"))
        }
    }
}
