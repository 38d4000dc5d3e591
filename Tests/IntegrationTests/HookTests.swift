import Foundation
import Testing
import WatcherTestSupport

/// Commands around a deployment.
@Suite struct HookTests {
    @Test func `hooks are told of the deployment, and the first of them can stop it`() async throws {
        try await Scenario.with { scenario in
            let place = scenario.directory
            let settings = [
                "hooks:",
                "  pre_deploy: {shell: 'test ! -e \(place)/stop; cat > \(place)/before.json'}",
                "  post_deploy: [[cp, /dev/stdin, \(place)/after.json], {shell: 'env > \(place)/variables; exit 3'}]",
                "  on_failure: {shell: 'echo $WATCHER_REASON $WATCHER_STATUS > \(place)/failed; cat > \(place)/failed.json'}",
            ]
            func file(_ name: String) throws -> String {
                try String(contentsOfFile: "\(place)/\(name)", encoding: .utf8)
            }
            let deployed = try await Deployed(stack(service("web")), in: scenario, settings: settings)
            let (watcher, id) = (deployed.watcher, scenario.id)
            let before = try JSONValue(parsing: try file("before.json"))
            #expect(before.members["hook"]?.text == "pre_deploy")
            #expect(before.members["deployment"]?.members["id"]?.text == "\(id)/1")
            let after = try JSONValue(parsing: try file("after.json"))
            #expect(after.members["deployment"]?.members["status"]?.text == "succeeded")
            let variables = try file("variables").split(separator: "\n").map(String.init)
            let tip = try await deployed.repository.tip()
            #expect(variables.contains("WATCHER_DEPLOYMENT=\(id)/1") && variables.contains("WATCHER_COMMIT=\(tip)"))
            #expect(!variables.contains { $0.hasPrefix("WATCHER_STATE_DIR=") })
            #expect(!FileManager.default.fileExists(atPath: "\(place)/failed"))

            // The failure of what comes after is a warning.
            try await deployed.repository.commit(compose: stack(service("web", "environment: {A: b}")), "change")
            try await watcher.run("deploy").expecting(0).saying("post_deploy", "ended with status 3")
            let second = try await deployed.container("web")

            // The one before stops everything, and is tried again.
            try scenario.write("", to: "stop")
            try await deployed.repository.commit(compose: stack(service("web", neverHealthy)), "change badly")
            for _ in 0..<2 {
                try await watcher.run("deploy").expecting(75).saying("pre_deploy")
                #expect(try await deployed.container("web") == second)
            }
            try await watcher.run("skip-list", id).expecting(0).notSaying("change badly")

            // What follows a failure comes after the undo.
            try FileManager.default.removeItem(atPath: "\(place)/stop")
            try await watcher.run("deploy").expecting(20)
            #expect(try await deployed.container("web").id == second.id)
            #expect(try file("failed") == "unhealthy restored\n")
            let failed = try JSONValue(parsing: try file("failed.json"))
            #expect(failed.members["deployment"]?.members["service"]?.text == "web")
        }
    }

    @Test func `a commit's subject of any length disables no hook and floods no screen`() async throws {
        try await Scenario.with { scenario in
            let place = scenario.directory
            let settings = [
                "hooks:", "  post_deploy: {shell: 'printf %s \"$WATCHER_SUBJECT\" > \(place)/subject'}",
                "  on_failure: {shell: 'printf %s \"$WATCHER_SUBJECT\" > \(place)/failed'}",
            ]
            let deployed = try await Deployed(stack(service("web")), in: scenario, settings: settings)
            let (watcher, long) = (deployed.watcher, String(repeating: "long ", count: 200_000))
            let cut = String(long.prefix(197)) + "..."
            let compose = stack(service("web", "environment: {A: b}"))
            try await deployed.repository.commit(compose: compose, long)
            let done = try await watcher.run("deploy").expecting(0)
            #expect(try String(contentsOfFile: "\(place)/subject", encoding: .utf8) == cut)
            #expect(done.output.utf8.count + done.errorOutput.utf8.count < 10_000)
            try await deployed.repository.commit(compose: stack(service("web", neverHealthy)), long + "again")
            try await watcher.run("deploy").expecting(20)
            #expect(try String(contentsOfFile: "\(place)/failed", encoding: .utf8) == cut)
            let history = try await watcher.run("history").expecting(0)
            #expect(history.output.utf8.count < 4_000)
        }
    }

    @Test func `a hook that kills its parent and leaves a daemon leaves nothing`() async throws {
        try await Scenario.with { scenario in
            let seconds = "4321.\(UInt32.random(in: 100_000_000...999_999_999))"
            let settings = [
                "hooks: {post_deploy: {shell: '(setsid sleep \(seconds) &); kill -9 $PPID; echo here I am'}}"
            ]
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web")), "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy").expecting(0).saying("here I am")
            let found = try await scenario.run("pgrep", ["-f", "sleep \(seconds)"])
            #expect(found.status == 1, "\(found)")
        }
    }
}
