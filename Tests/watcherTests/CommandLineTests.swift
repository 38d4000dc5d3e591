import ArgumentParser
import Deploy
import Foundation
import Testing
import WatcherTestSupport

@testable import watcher

/// What command lines mean, and what the program says to wrong ones.
@Suite struct CommandLineTests {
    private func parse<Command>(_ arguments: String..., as: Command.Type = Command.self) throws -> Command {
        try #require(try Watcher.parseAsRoot(arguments) as? Command)
    }

    private func status(_ arguments: String...) -> Int32? {
        do {
            _ = try Watcher.parseAsRoot(arguments)
            return nil
        } catch {
            return Watcher.exitCode(for: error).rawValue
        }
    }

    // MARK: - Parsing

    @Test func `deploy takes its options and those of every command`() throws {
        let deploy: DeployCommand = try parse(
            "deploy", "shop", "--commit", "3f2a1c9", "--force", "--dry-run", "--no-rollback", "--config", "c.yaml",
            "--state-dir", "state", "--format", "json", "--color", "never", "-v", "-q")
        #expect(deploy.projects == ["shop"] && deploy.commit == "3f2a1c9")
        #expect(deploy.force && deploy.dryRun && deploy.noRollback)
        #expect(deploy.options.config == "c.yaml" && deploy.options.stateDir == "state")
        #expect(deploy.options.format == .json && deploy.options.color == .never)
        #expect(deploy.options.verbose && deploy.options.quiet)
    }

    @Test func `--commit needs exactly one project`() {
        #expect(status("deploy", "--commit", "3f2a1c9") == 64)
        #expect(status("deploy", "a", "b", "--commit", "3f2a1c9") == 64)
        #expect(status("deploy", "a", "--commit", "3f2a1c9") == nil)
    }

    @Test func `a command that there is not is told with the nearest`() throws {
        let error = try #require(Watcher.unknownCommand(["statsu", "shop"]))
        #expect(error.message == "there is no command \"statsu\"; did you mean \"status\"?")
        #expect(error.advice.contains("check, deploy, rollback"))
        #expect(Watcher.unknownCommand(["status", "--what"]) == nil && Watcher.unknownCommand(["--what"]) == nil)
        #expect(Watcher.unknownCommand([]) == nil && Watcher.unknownCommand(["help", "x"]) == nil)
    }

    @Test func `wrong command lines are wrong usage`() {
        #expect(status("deploy", "--no-such-option") == 64)
        #expect(status("no-such-command") == 64)
        #expect(status("history", "-n", "0") == 64)
        #expect(status("history", "-n", "x") == 64)
        #expect(status("history", "--since", "yesterday") == 64)
        #expect(status("check", "--format", "xml") == 64)
        #expect(status("suspend", "shop") == 64)
        #expect(status("suspend", "shop", "--reason", "r", "--until", "2020-01-01") == 64)
        #expect(status("suspend", "shop", "--reason", "r", "--until", "2h") == nil)
        #expect(status("rollback") == 64)
        #expect(status("rollback", "shop", "--to", "blog/3") == 64)
        #expect(status("config", "--hash", "--images") == 64)
    }

    @Test func `rollback goes to a deployment or a commit`() throws {
        func target(_ to: String) throws -> RollbackRequest.Target {
            try parse("rollback", "shop", "--to", to, as: RollbackCommand.self).target
        }
        let third = DeploymentID(project: "shop", number: 3)
        #expect(try target("shop/3") == .deployment(third))
        #expect(try target("3") == .deployment(third))
        #expect(try target("3f2a1c9") == .commit("3f2a1c9"))
        #expect(try target("1234567") == .commit("1234567"))
        #expect(try parse("rollback", "shop", as: RollbackCommand.self).target == .previous)
    }

    @Test func `history and skip-list list by default`() throws {
        let history: HistoryListCommand = try parse("history", "shop", "-n", "5", "--since", "24h")
        #expect(history.project == "shop" && history.limit == 5 && history.since == "24h")
        let skipList: SkipListListCommand = try parse("skip-list", "shop")
        #expect(skipList.project == "shop")
    }

    @Test func `config understands what docker compose config does`() throws {
        let config: ConfigCommand = try parse(
            "config", "-f", "-", "-f", "b.yaml", "--format", "json", "-p", "shop", "--profile", "a", "--profile", "b",
            "--env-file", "x.env", "--no-interpolate", "--hash", "-o", "out", "web", "db")
        #expect(config.files == ["-", "b.yaml"] && config.format == .json && config.projectName == "shop")
        #expect(config.profiles == ["a", "b"] && config.envFiles == ["x.env"] && config.noInterpolate)
        #expect(config.listing == .hash && config.output == "out" && config.services == ["web", "db"])
    }

    @Test func `the format is known even when the rest is wrong`() {
        #expect(OutputFormat(of: ["deploy", "--nope", "--format", "json"]) == .json)
        #expect(OutputFormat(of: ["deploy", "--format=json"]) == .json)
        #expect(OutputFormat(of: ["deploy", "--format", "text"]) == .text)
        #expect(OutputFormat(of: ["deploy", "--", "--format", "json"]) == .text)
    }

    // MARK: - Help

    @Test func `every help ends with its statuses and an example, in lines that fit`() throws {
        func check(_ command: any ParsableCommand.Type, _ path: [String]) {
            let help = HelpText.arranged(Watcher.helpMessage(for: command, columns: 80))
            let name = path.joined(separator: " ")
            #expect(help.contains("\nUSAGE: watcher"), "\(name)")
            for line in help.split(separator: "\n") { #expect(line.count <= 80, "\(name): \(line)") }
            let explained = help.range(of: "\nEXIT STATUS:\n  0    ")
            #expect(explained != nil, "\(name)")
            let rest = help[(explained?.upperBound ?? help.startIndex)...]
            #expect(!rest.contains("USAGE:") && !rest.contains("OPTIONS:"), "\(name)")
            #expect(rest.contains("\n\nEXAMPLE:\n  watcher "), "\(name)")
            for child in command.configuration.subcommands { check(child, path + [child._commandName]) }
        }
        check(Watcher.self, ["watcher"])
    }

    // MARK: - The program

    private func run(_ script: String) async throws -> FinishedProcess {
        let directory = NSTemporaryDirectory() + "watcher-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        return try await execute(
            "/bin/bash", ["-c", script],
            environment: [
                "PATH": "/usr/bin:/bin", "HOME": directory, "WATCHER": try TestEnvironment.binary(),
                "WATCHER_STATE_DIR": "\(directory)/state", "WATCHER_CONFIG": "\(directory)/config.yaml",
            ], in: directory)
    }

    @Test func `config reads standard input and selects services`() async throws {
        let compose = "name: x\\nservices: {web: {image: w, depends_on: [db]}, db: {image: d}, other: {image: o}}\\n"
        let all = try await run("printf '\(compose)' | $WATCHER config -f - --format json").expecting(0)
        #expect(try JSONValue(parsing: all.output)["services"].members.keys.sorted() == ["db", "other", "web"])
        let some = try await run("printf '\(compose)' | $WATCHER config -f - --images web").expecting(0)
        #expect(some.output == "d\nw\n")
        let hashes = try await run("printf '\(compose)' | $WATCHER config -f - --hash web").expecting(0)
        #expect(hashes.output.hasPrefix("web ") && hashes.output.split(separator: "\n").count == 1)
        try await run("printf '\(compose)' | $WATCHER config -f - nope").expecting(65).saying("nope")
        let raw = try await run(
            "printf 'name: x\\nservices: {web: {image: \"w:${TAG}\"}}\\n' | $WATCHER config -f - --no-interpolate")
        #expect(try raw.expecting(0).output.contains("image: w:${TAG}\n"))
        try await run("printf '\(compose)' | $WATCHER config -f - -o out; cat out").expecting(0).saying("image: w")
    }

    @Test func `a failure before a result is JSON on the last line of stdout`() async throws {
        for (script, status, reason) in [
            ("$WATCHER deploy --format json", 78, "invalid-configuration"),
            (
                "echo 'projects: {shop: {repository: /srv/a}}' >config.yaml; $WATCHER check nope --format json", 78,
                "invalid-configuration"
            ),
            ("$WATCHER history show shop/9 --format json", 64, "usage"),
            ("$WATCHER deploy --nope --format=json", 64, "usage"),
            ("$WATCHER config -f missing.yaml --format json", 65, "invalid-project"),
            ("touch state; $WATCHER history --format json", 74, "state-unusable"),
        ] {
            let result = try await run(script)
            #expect(result.status == status, "\(result)")
            let last = try JSONValue(parsing: String(try #require(result.output.split(separator: "\n").last)))
            #expect(last["kind"].text == "error" && last["schema"].integer == 1, "\(result)")
            #expect(last["exit_status"].integer == status && last["reason"].text == reason, "\(result)")
            #expect(last["message"].text?.isEmpty == false && last["advice"].text != nil, "\(result)")
            #expect(!result.errorOutput.isEmpty)
        }
    }

    @Test func `an empty history names the project and the place`() async throws {
        try await run("$WATCHER history shpo").expecting(0).saying("no deployment of shpo is recorded in", "/state")
        try await run("$WATCHER history -q --format json").expecting(0).saying(#"{"deployments":[],"schema":1}"#)
    }

    @Test func `a reader that goes away is no failure`() async throws {
        try await run("set -o pipefail; $WATCHER --help | head -1").expecting(0)
        try await run("set -o pipefail; $WATCHER history | true").expecting(0)
    }

    @Test func `a result that cannot be written is a failure`() async throws {
        try await run("$WATCHER history >/dev/full").expecting(1).saying("standard output", "No space left")
    }

    @Test(arguments: [("TERM", 143), ("INT", 130)])
    func `status ends in order when it is ended while the engine does not answer`(signal: String, status: Int)
        async throws
    {
        // A socket that accepts and says nothing; its first byte tells that the engine is being asked.
        let script = """
            echo 'projects: {shop: {repository: /srv/a, engine: {host: "unix://'$PWD'/e.sock"}}}' >config.yaml
            mkfifo bound asked
            python3 -c '
            import socket
            server = socket.socket(socket.AF_UNIX); server.bind("e.sock"); server.listen()
            open("bound", "w").write("bound\\n")
            peer = server.accept()[0]; peer.recv(1)
            open("asked", "w").write("asked\\n")
            while peer.recv(4096): pass
            ' & server=$!
            read line <bound
            $WATCHER status & child=$!
            read line <asked
            kill -\(signal) $child
            wait $child; ended=$?
            kill $server 2>/dev/null
            exit $ended
            """
        try await run(script).expecting(status)
    }

    @Test func `without a command the help is shown`() async throws {
        let help = try await run("$WATCHER").expecting(0)
        #expect(help.output.hasPrefix("OVERVIEW: ") && help.output.hasSuffix("watcher deploy\n"))
        #expect(help.errorOutput.isEmpty)
    }

    @Test func `init writes an example once`() async throws {
        try await run("$WATCHER init && $WATCHER init").expecting(78).saying("is there already", "--force")
        try await run("$WATCHER init && $WATCHER init --force -q").expecting(0).saying("wrote")
        try await run("$WATCHER init --config /proc/nowhere/config.yaml").expecting(77).saying("/proc/nowhere")
    }
}
