import Foundation
import Testing
import WatcherTestSupport

/// What is built on the host from a commit, and run from the checkout, without an image of its own.
@Suite struct HostBuildTests {
    /// A Go program that answers with its version, says that it is well, or runs.
    private func program(_ version: String) -> String {
        """
        package main

        import (
        \t"os"
        \t"time"
        )

        func main() {
        \tif len(os.Args) > 1 {
        \t\tos.Stdout.WriteString("\(version)\\n")
        \t\treturn
        \t}
        \tos.Stdout.WriteString("begun \(version)\\n")
        \ttime.Sleep(900 * time.Second)
        }
        """
    }

    private func goSettings(_ scenario: Scenario) -> [String] {
        [
            "build:",
            "  commands: [[go, build, -o, app, .]]",
            "  environment: {CGO_ENABLED: 0, GOFLAGS: -mod=mod, GOPROXY: 'off', GOCACHE: \(scenario.directory)/cache}",
            "run:",
            "  image: busybox:1",
            "  command: [/src/app]",
            "  stop_signal: SIGKILL",
            "  healthcheck: {test: [CMD, /src/app, check], interval: 1s, timeout: 5s}",
        ]
    }

    @Test func `a Go program is built, runs healthily, and comes back as the very same binary`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["go.mod": "module app\n\ngo 1.19\n", "main.go": program("one")], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: goSettings(scenario)))
            func container() async throws -> EngineObserver.Container {
                try await scenario.engine.container(scenario.id, in: scenario.id)
            }
            func version() async throws -> String {
                try await scenario.engine.output(of: ["/src/app", "version"], in: try await container().id)
            }

            // Nothing is built by a look.
            try await watcher.run("check").expecting(10).saying("built")
            try await watcher.run("deploy").expecting(0).saying("go build")
            let first = try await container()
            #expect(first.isRunning && first.labels["com.docker.compose.service"] == scenario.id)
            #expect(try await version() == "one\n")
            let binary = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree/app"
            let original = try Data(contentsOf: URL(filePath: binary))

            // The same commit is not built again.
            try await watcher.run("deploy").expecting(0).notSaying("go build")
            #expect(try await container().id == first.id)
            try await watcher.run("check").expecting(0)

            // Another one is, and its container is a new one.
            try await repository.commit(["main.go": program("two")], "improve")
            try await watcher.run("deploy").expecting(0).saying("go build")
            let second = try await container()
            #expect(second.id != first.id)
            #expect(try await version() == "two\n")

            // One that does not compile disturbs nothing, and is told with the compiler's words.
            let bad = try await repository.commit(["main.go": program("three") + "\nbroken"], "break")
            try await watcher.run("deploy").expecting(20).saying("go build", "syntax error")
            #expect(try await container() == second)
            try await watcher.run("history", "show", "\(scenario.id)/3").expecting(0).saying("syntax error")
            try await watcher.run("skip-list", scenario.id).expecting(0).saying(String(bad.prefix(7)))
            try await watcher.run("deploy").expecting(12).notSaying("syntax error")
            try await watcher.run("deploy", "--force").expecting(20).saying("syntax error")
            #expect(try await container() == second)
            #expect(try await version() == "two\n")

            // Rolled back, the earlier binary runs, and nothing is built for it.
            try await watcher.run("rollback", scenario.id).expecting(0).notSaying("go build")
            #expect(try await version() == "one\n")
            #expect(try Data(contentsOf: URL(filePath: binary)) == original)
        }
    }

    @Test func `a binary that is in use is replaced, not overwritten`() async throws {
        try await Scenario.with { scenario in
            let settings = [
                "build: [[cp, source.txt, app.txt]]",
                "run: {image: 'busybox:1', command: [sh, -c, 'exec 3</src/app.txt; exec sleep 900'], "
                    + "stop_signal: SIGKILL}",
            ]
            let repository = try await scenario.repository()
            try await repository.commit(["source.txt": "one"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy").expecting(0)
            let file = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree/app.txt"
            // As a running program has it.
            let open = try #require(FileHandle(forReadingAtPath: file))
            try await repository.commit(["source.txt": "two"], "improve")
            try await watcher.run("deploy").expecting(0)
            #expect(try open.readToEnd() == Data("one".utf8))
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "two")
        }
    }

    @Test func `a build that is too slow is ended with everything it started`() async throws {
        try await Scenario.with { scenario in
            let settings = [
                "build: {commands: [{shell: 'setsid sleep 4321.\(scenario.id.count) & echo $! > /tmp/\(scenario.id); "
                    + "sleep 4322', timeout: 2s}]}",
                "run: {image: 'busybox:1', command: [sleep, '900'], stop_signal: SIGKILL}",
            ]
            let repository = try await scenario.repository()
            try await repository.commit(["a": "b"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            scenario.atEnd("remove the note") { try FileManager.default.removeItem(atPath: "/tmp/\(scenario.id)") }
            try await watcher.run("deploy").expecting(21).saying("took longer")
            let process = try String(contentsOfFile: "/tmp/\(scenario.id)", encoding: .utf8).prefix { $0.isNumber }
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(process)"))
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM])
    func `a run that is killed while it builds leaves no process behind`(signal: Int32) async throws {
        try await Scenario.with { scenario in
            let note = "\(scenario.directory)/note"
            let settings = [
                "build: [{shell: 'setsid sleep 4321 & echo $! > \(note).new; mv \(note).new \(note); sleep 4322'}]",
                "run: {image: 'busybox:1', command: [sleep, '900'], stop_signal: SIGKILL}",
            ]
            let repository = try await scenario.repository()
            try await repository.commit(["a": "b"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy") { running in
                try await eventually("the build runs") { FileManager.default.fileExists(atPath: note) }
                try running.send(signal)
            }.expecting(signal == SIGKILL ? 137 : 143)
            let process = try String(contentsOfFile: note, encoding: .utf8).prefix { $0.isNumber }
            try await eventually("the build's processes are gone") {
                !FileManager.default.fileExists(atPath: "/proc/\(process)")
            }
            // The next run begins anew.
            try await watcher.run("check").expecting(10)
        }
    }

    @Test func `a build runs as the user it is given, in a directory that user can enter`() async throws {
        try await Scenario.with { scenario in
            let settings = [
                "build: {commands: [{shell: 'id -un > who; pwd > where; cat compose.yaml > copy'}], user: nobody}"
            ]
            let repository = try await scenario.repository()
            try await repository.commit(compose: stack(service("web", "volumes: ['./who:/who']")), "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy").expecting(0)
            let tree = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree"
            #expect(try String(contentsOfFile: "\(tree)/who", encoding: .utf8) == "nobody\n")
            let place = try String(contentsOfFile: "\(tree)/where", encoding: .utf8).prefix { !$0.isNewline }
            #expect(place.hasPrefix("/var/tmp/watcher-build."))
            #expect(!FileManager.default.fileExists(atPath: String(place)))
        }
    }

    @Test func `secrets are decrypted beside the commit, for the containers only`() async throws {
        try await Scenario.with { scenario in
            let key = "\(scenario.directory)/key.txt"
            try await scenario.run("age-keygen", ["-o", key]).expecting(0)
            let recipient = try await scenario.run("age-keygen", ["-y", key]).expecting(0).output
            let secret = "correct horse battery staple"
            try scenario.write(secret, to: "plain.txt")
            let armored = try await scenario.run(
                "age", ["-a", "-r", String(recipient.prefix { !$0.isNewline }), "plain.txt"]
            ).expecting(0).output
            let settings = ["build: [{shell: 'umask 077; age -d -i \(key) -o token.txt token.age'}]"]
            let repository = try await scenario.repository()
            let compose =
                stack(service("web", "secrets: [token]")) + "secrets:\n  token: {file: ./token.txt}\n"
            try await repository.commit(["compose.yaml": compose, "token.age": armored], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy").expecting(0).notSaying(secret)
            let id = try await scenario.engine.container("web", in: scenario.id).id
            #expect(try await scenario.engine.output(of: ["cat", "/run/secrets/token"], in: id) == secret)

            // Only its owner can come to it, and no record holds it.
            let projects = "\(watcher.stateDirectory)/projects/\(scenario.id)"
            #expect(try mode(of: watcher.stateDirectory) == 0o700)
            #expect(try mode(of: "\(projects)/builds") == 0o700)
            #expect(try mode(of: "\(projects)/tree/token.txt") == 0o600)
            for file in try FileManager.default.contentsOfDirectory(atPath: watcher.stateDirectory)
            where file.hasPrefix("watcher.db") {
                let data = try Data(contentsOf: URL(filePath: "\(watcher.stateDirectory)/\(file)"))
                #expect(data.firstRange(of: Data(secret.utf8)) == nil, "\(file)")
            }

            // It goes when the project is built no more.
            let later = try scenario.watcher(ConfiguredProject(scenario.id, repository: repository.fileURL))
            try await repository.commit(compose: stack(service("web")), "keep no secret")
            try await later.run("deploy").expecting(0)
            #expect(!FileManager.default.fileExists(atPath: "\(projects)/tree/token.txt"))
            #expect(FileManager.default.fileExists(atPath: "\(projects)/tree/token.age"))
        }
    }

    @Test func `Compose files can be made by the build`() async throws {
        try await Scenario.with { scenario in
            let template = stack(service("web", "environment: {GREETING: '@greeting@'}"))
            let settings = ["build: [{shell: 'sed s/@greeting@/hello/ compose.in > compose.yaml'}]"]
            let repository = try await scenario.repository()
            try await repository.commit(["compose.in": template], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy").expecting(0)
            let web = try await scenario.engine.container("web", in: scenario.id)
            #expect(web.environment.contains("GREETING=hello"))
        }
    }

    /// Asks again and again, for a minute at most.
    private func eventually(_ what: String, _ isSo: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while !isSo() {
            try #require(ContinuousClock.now < end, "not within a minute: \(what)")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func mode(of path: String) throws -> Int {
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        return try #require(mode)
    }
}
