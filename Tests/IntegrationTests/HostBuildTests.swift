import Foundation
import Testing
import WatcherTestSupport

/// What is built on the host from a commit, and run from the checkout, without an image of its own.
@Suite struct HostBuildTests {
    /// A Go program that serves its version on port 8080, and needs nothing that takes long to compile.
    private func program(_ version: String) -> String {
        """
        package main

        import (
        \t"os"
        \t"syscall"
        )

        func main() {
        \tserver, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
        \tif syscall.Bind(server, &syscall.SockaddrInet4{Port: 8080}) != nil || syscall.Listen(server, 16) != nil {
        \t\tos.Exit(1)
        \t}
        \tfor {
        \t\tclient, _, err := syscall.Accept(server)
        \t\tif err != nil {
        \t\t\tcontinue
        \t\t}
        \t\tvar request [4096]byte
        \t\tsyscall.Read(client, request[:])
        \t\tsyscall.Write(client, []byte("HTTP/1.0 200 OK\\r\\n\\r\\n\(version)\\n"))
        \t\tsyscall.Close(client)
        \t}
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
            "  ports: ['8080']",
            "  stop_signal: SIGKILL",
            "  healthcheck: {test: [CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1:8080/'], interval: 1s, timeout: 5s}",
        ]
    }

    /// What the program serves on the port that the engine published.
    private func served(_ scenario: Scenario) async throws -> String {
        let id = try await scenario.engine.container(scenario.id, in: scenario.id).id
        let ports = try await scenario.engine.json("GET", "/containers/\(id)/json")["NetworkSettings"]["Ports"]
        let port = try #require(ports["8080/tcp"].elements.first?["HostPort"].text)
        let words = try TestEnvironment.inEngineNetwork() + ["curl", "--silent", "http://127.0.0.1:\(port)/"]
        return try await scenario.run(words[0], Array(words.dropFirst())).expecting(0).output
    }

    @Test func `a Go program is built, serves, and comes back as the very same binary`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["go.mod": "module app\n\ngo 1.19\n", "main.go": program("one")], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(
                    scenario.id, repository: repository.fileURL, settings: goSettings(scenario)))
            func container() async throws -> EngineObserver.Container {
                try await scenario.engine.container(scenario.id, in: scenario.id)
            }

            // Nothing is built by a look.
            try await watcher.run("check").expecting(10).saying("built")
            try await watcher.run("deploy").expecting(0).saying("go build")
            let first = try await container()
            #expect(first.health == "healthy" && first.labels["com.docker.compose.service"] == scenario.id)
            #expect(try await served(scenario) == "one\n")
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
            #expect(try await served(scenario) == "two\n")

            // One that does not compile disturbs nothing, and is told with the compiler's words.
            let bad = try await repository.commit(["main.go": program("three") + "\nbroken"], "break")
            try await watcher.run("deploy").expecting(20).saying("go build", "syntax error")
            #expect(try await container() == second)
            try await watcher.run("history", "show", "\(scenario.id)/3").expecting(0).saying("syntax error")
            try await watcher.run("skip-list", scenario.id).expecting(0).saying(String(bad.prefix(7)))
            try await watcher.run("deploy").expecting(12).notSaying("syntax error")
            try await watcher.run("deploy", "--force").expecting(20).saying("syntax error")
            #expect(try await container() == second)
            #expect(try await served(scenario) == "two\n")

            // Rolled back, the earlier binary runs, and nothing is built for it.
            try await watcher.run("rollback", scenario.id).expecting(0).notSaying("go build")
            #expect(try await served(scenario) == "one\n")
            #expect(try Data(contentsOf: URL(filePath: binary)) == original)
        }
    }

    @Test func `a command has its own environment, directory and input, and is heard while it works`() async throws {
        try await Scenario.with { scenario in
            let go = "\(scenario.directory)/go"
            let settings = [
                "build:",
                "  commands:",
                "    - [env]",
                "    - {command: [sh, -c, 'pwd; wc -c; echo \"$0\"', '$HOME; *'], directory: sub, environment: {B: two}}",
                "    - {shell: 'echo ready; until test -e \(go); do sleep 0.05; done; printf last', timeout: 1m}",
                "  environment: {A: one, B: one}",
                "run: {image: 'busybox:1', command: [sleep, '900'], stop_signal: SIGKILL}",
            ]
            let repository = try await scenario.repository()
            try await repository.commit(["sub/a": "b"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            let output = "\(scenario.directory)/events"
            let binary = try TestEnvironment.binary()
            try await scenario.run(
                "sh", ["-c", "exec \"$0\" deploy --format json > \"$1\"", binary, output],
                environment: [
                    "WATCHER_CONFIG": watcher.configuration, "WATCHER_STATE_DIR": watcher.stateDirectory,
                    "SECRET": "mine",
                ]
            ) { _ in
                // It goes on only after its first line was seen.
                try await eventually("the first line") {
                    let text = try? String(contentsOfFile: output, encoding: .utf8)
                    return text?.contains("\"line\":\"ready\"") ?? false
                }
                try scenario.write("", to: go)
            }.expecting(0)
            let events = try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
                .map { try JSONValue(parsing: String($0)) }
            let said = events.filter { $0["kind"].text == "log" && $0["stage"].text == "build" }
                .compactMap { $0["line"].text }
            let place = "\(watcher.stateDirectory)/projects/\(scenario.id)/build"
            #expect(said.suffix(5) == ["\(place)/sub", "0", "$HOME; *", "ready", "last"])
            let variables = Set(said.dropLast(5).map { String($0.prefix { $0 != "=" }) })
            #expect(
                variables == [
                    "A", "B", "HOME", "LANG", "PATH", "PWD", "WATCHER_BRANCH", "WATCHER_COMMIT", "WATCHER_PROJECT",
                    "WATCHER_REVISION",
                ])
            #expect(said.contains("A=one") && said.contains("B=one") && said.contains("HOME=\(scenario.directory)"))
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
            let seconds = "4321.\(UInt32.random(in: 100_000_000...999_999_999))"
            let settings = [
                "build: {commands: [{shell: 'setsid sleep \(seconds) & sleep \(seconds)', timeout: 2s}]}",
                "run: {image: 'busybox:1', command: [sleep, '900'], stop_signal: SIGKILL}",
            ]
            let repository = try await scenario.repository()
            try await repository.commit(["a": "b"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy").expecting(21).saying("took longer")
            #expect(!sleeps(seconds))
            #expect(try await scenario.engine.containers(project: scenario.id).isEmpty)
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM])
    func `a run that is killed while it builds leaves no process behind`(signal: Int32) async throws {
        try await Scenario.with { scenario in
            let seconds = "4321.\(UInt32.random(in: 100_000_000...999_999_999))"
            let settings = [
                "build: [{shell: 'setsid sleep \(seconds) & sleep \(seconds)'}]",
                "run: {image: 'busybox:1', command: [sleep, '900'], stop_signal: SIGKILL}",
            ]
            let repository = try await scenario.repository()
            try await repository.commit(["a": "b"], "begin")
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy") { running in
                try await eventually("the build runs") { sleeps(seconds) }
                try running.send(signal)
            }.expecting(signal == SIGKILL ? 137 : 143)
            try await eventually("the build's processes are gone") { !sleeps(seconds) }
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

    /// Whether a process sleeps so long.
    private func sleeps(_ seconds: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.contains { name in
            name.allSatisfy(\.isNumber)
                && FileManager.default.contents(atPath: "/proc/\(name)/cmdline") == Data("sleep\0\(seconds)\0".utf8)
        }
    }

    private func mode(of path: String) throws -> Int {
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        return try #require(mode)
    }
}
