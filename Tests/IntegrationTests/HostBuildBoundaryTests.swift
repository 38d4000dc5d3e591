import Foundation
import Testing
import WatcherTestSupport

/// What a build on the host cannot do, whatever its commit says.
@Suite struct HostBuildBoundaryTests {
    private static let run = "run: {image: 'busybox:1', command: [sleep, '900'], stop_signal: SIGKILL}"

    /// Watcher, configured to build a commit like this.
    private func program(
        _ scenario: Scenario, _ script: String, user: String? = nil, timeout: String = "1m", run: String = Self.run,
        files: [String: String] = ["a": "b"]
    ) async throws -> WatcherProgram {
        let repository = try await scenario.repository()
        try await repository.commit(files.merging(["build.sh": script]) { $1 }, "begin")
        let who = user.map { ", user: \($0)" } ?? ""
        return try scenario.watcher(
            ConfiguredProject(
                scenario.id, repository: repository.fileURL,
                settings: ["build: {commands: [[sh, -e, build.sh]], timeout: \(timeout)\(who)}", run]))
    }

    /// Runs `watcher deploy` in another way than from a shell with all rights.
    private func deploy(
        _ scenario: Scenario, _ watcher: WatcherProgram, _ words: [String],
        beside: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> FinishedProcess {
        try await scenario.run(
            words[0], words.dropFirst() + [TestEnvironment.binary(), "deploy"],
            environment: ["WATCHER_CONFIG": watcher.configuration, "WATCHER_STATE_DIR": watcher.stateDirectory],
            deadline: .seconds(120), whileRunning: { _ in try await beside() })
    }

    private static let withoutNamespaces = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]

    // MARK: - Processes

    @Test(arguments: [nil, "nobody"] as [String?], [true, false])
    func `a build that kills its parent and leaves daemons leaves nothing, and is not believed`(
        user: String?, hasNamespaces: Bool
    ) async throws {
        try await Scenario.with { scenario in
            let seconds = Self.mark()
            let script = """
                (setsid sleep \(seconds) &)
                (setsid sh -c 'trap "" TERM; (setsid sleep \(seconds) &); sleep \(seconds)' &)
                kill -9 $PPID || true
                echo survived > survived
                sleep 1
                """
            let watcher = try await program(scenario, script, user: user)
            let finished = try await deploy(scenario, watcher, hasNamespaces ? ["env"] : Self.withoutNamespaces)
            #expect(Self.processes(seconds).isEmpty)
            if hasNamespaces || user != nil {
                try finished.expecting(0)
            } else {
                try finished.expecting(21).saying("lost the process that watches over it")
            }
            let kept = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree/survived"
            #expect(FileManager.default.fileExists(atPath: kept) == (finished.status == 0))
        }
    }

    @Test(arguments: [true, false])
    func `a build whose supervisor is killed fails, and nothing of it goes on`(hasNamespaces: Bool) async throws {
        try await Scenario.with { scenario in
            let seconds = Self.mark()
            let watcher = try await program(
                scenario, "echo made > made; (setsid sleep \(seconds) &); sleep \(seconds)", user: "nobody")
            let words = hasNamespaces ? ["env"] : Self.withoutNamespaces
            try await deploy(scenario, watcher, words) {
                try await Self.eventually("the build runs") { Self.processes(seconds).count == 2 }
                let supervisor = try #require(Self.processes(seconds).first.flatMap(Self.supervisor))
                kill(supervisor, SIGKILL)
            }.expecting(21).saying("lost its supervisor")
            try await Self.eventually("everything of the build is gone") { Self.processes(seconds).isEmpty }
            #expect(
                !FileManager.default.fileExists(atPath: "\(watcher.stateDirectory)/projects/\(scenario.id)/tree/made"))
        }
    }

    @Test(arguments: [true, false])
    func `a build that ignores the end of its time is ended`(hasNamespaces: Bool) async throws {
        try await Scenario.with { scenario in
            let seconds = Self.mark()
            let script = "trap '' TERM HUP; (setsid sleep \(seconds) &); while :; do sleep \(seconds); done"
            let watcher = try await program(scenario, script, user: "nobody", timeout: "2s")
            let words = hasNamespaces ? ["env"] : Self.withoutNamespaces
            try await deploy(scenario, watcher, words).expecting(21).saying("took longer")
            #expect(Self.processes(seconds).isEmpty)
        }
    }

    @Test func `a build's user has no more than a fresh login of that user`() async throws {
        try await Scenario.with { scenario in
            let script = """
                id -u > report; id -G >> report; umask >> report; grep -E 'NoNewPrivs|CapEff' /proc/self/status >> report
                ls /proc | grep -c '^[0-9]' >> report
                ls /proc/self/fd | grep -vc '^[0-3]$' >> report || true
                (cat /proc/1/environ; ls /proc/1/fd) > leak 2>/dev/null || true
                echo key > /dev/shm/\(scenario.id)
                (: > /dev/tty) 2>/dev/null && echo terminal >> report
                touch plain; chmod 6755 plain
                """
            let watcher = try await program(scenario, script, user: "nobody")
            try await watcher.run("deploy", environment: ["SECRET": "mine"]).expecting(0)
            let tree = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree"
            let report = try String(contentsOfFile: "\(tree)/report", encoding: .utf8)
                .split(separator: "\n").map(String.init)
            #expect(Array(report.prefix(3)) == ["65534", "65534", "0022"])
            #expect(report.contains("NoNewPrivs:\t1") && report.contains("CapEff:\t0000000000000000"))
            #expect(report.count == 7 && Int(report[5]).map { $0 < 8 } == true && report[6] == "0", "\(report)")
            #expect(try String(contentsOfFile: "\(tree)/leak", encoding: .utf8) == "")
            #expect(!FileManager.default.fileExists(atPath: "/dev/shm/\(scenario.id)"))
            #expect(try Self.mode("\(tree)/plain") == 0o755)
        }
    }

    // MARK: - Files

    @Test func `a directory that becomes a link empties no other directory and gives no file away`() async throws {
        try await Scenario.with { scenario in
            let victim = "\(scenario.directory)/victim"
            try scenario.write("secret", to: "victim/sub/file", mode: 0o600)
            let script = """
                rm -r sub; ln -s \(victim)/sub sub; ln -s \(victim) other
                here=$PWD; cd /
                mv $here $here.old && ln -s \(victim) $here || true
                mv ${here%/*} ${here%/*}.old && ln -s \(victim) ${here%/*} || true
                """
            let watcher = try await program(scenario, script, user: "nobody", files: ["sub/file": "b", "c": "d"])
            _ = try await watcher.run("deploy")
            #expect(try String(contentsOfFile: "\(victim)/sub/file", encoding: .utf8) == "secret")
            let builds = try await scenario.run("grep", ["-r", "secret", "\(watcher.stateDirectory)/projects"])
            #expect(builds.output == "")
            let left = try FileManager.default.contentsOfDirectory(atPath: "/var/tmp")
            let notes = try await scenario.run(
                "find", ["/var/tmp", "-maxdepth", "1", "-newer", watcher.configuration, "-type", "l"])
            #expect(!left.contains { $0.hasSuffix(".old") } && notes.output == "")
        }
    }

    @Test func `a hard link to somebody else's file is no output`() async throws {
        try await Scenario.with { scenario in
            // Linked as far as the kernel allows it: with fs.protected_hardlinks, only what the user may write.
            let place = "/var/tmp/\(scenario.id)"
            scenario.atEnd("remove the file") { try FileManager.default.removeItem(atPath: place) }
            try scenario.write("secret", to: "\(place)/file", mode: 0o666)
            let watcher = try await program(scenario, "ln \(place)/file stolen", user: "nobody")
            try await watcher.run("deploy").expecting(21).saying("stolen", "belongs to another user")
            #expect(try String(contentsOfFile: "\(place)/file", encoding: .utf8) == "secret")
            try await watcher.run("history").expecting(0).saying("build")
        }
    }

    @Test func `pipes and sockets that a build leaves are not read`() async throws {
        try await Scenario.with { scenario in
            let watcher = try await program(
                scenario, "mkfifo pipe; mkfifo a.new; mv a.new a; echo x > y", user: "nobody")
            try await watcher.run("deploy", deadline: .seconds(60)).expecting(0)
            let tree = "\(watcher.stateDirectory)/projects/\(scenario.id)/tree"
            #expect(try FileManager.default.contentsOfDirectory(atPath: tree).sorted() == ["a", "build.sh", "y"])
        }
    }

    @Test(arguments: [nil, "nobody"] as [String?])
    func `what is built keeps its mode under any umask, so that other users' containers run it`(user: String?)
        async throws
    {
        try await Scenario.with { scenario in
            let script = """
                mkdir -p bin; printf '#!/bin/sh\\ncat /src/data; exec sleep 900\\n' > bin/app; chmod +x bin/app
                echo fine > data; echo mine > own; chmod 600 own
                """
            let run = "run: {image: 'busybox:1', user: '1000', command: [/src/bin/app], stop_signal: SIGKILL}"
            let watcher = try await program(scenario, script, user: user, run: run)
            let masked = ["sh", "-c", "umask 077; exec \"$@\"", "sh"]
            try await deploy(scenario, watcher, masked).expecting(0)
            let projects = "\(watcher.stateDirectory)/projects/\(scenario.id)"
            #expect(try Self.mode("\(projects)/tree/bin/app") == 0o755 && Self.mode("\(projects)/tree/data") == 0o644)
            #expect(try Self.mode("\(projects)/tree/own") == 0o600)
            #expect(try Self.mode("\(projects)/builds") == 0o700)
            let container = try await scenario.engine.container(scenario.id, in: scenario.id)
            #expect(container.isRunning)
            #expect(try await scenario.engine.log(of: container.id).contains("fine"))
        }
    }

    // MARK: - Output

    @Test func `a build that prints a million lines is recorded by its beginning and its end`() async throws {
        try await Scenario.with { scenario in
            let script = "seq 1000000; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 3"
            let watcher = try await program(scenario, script)
            try await watcher.run("deploy", "--quiet", deadline: .seconds(300)).expecting(21)
            let size = try FileManager.default.contentsOfDirectory(atPath: watcher.stateDirectory)
                .filter { $0.hasPrefix("watcher.db") }
                .map {
                    try FileManager.default.attributesOfItem(atPath: "\(watcher.stateDirectory)/\($0)")[.size] as? Int
                        ?? 0
                }
                .reduce(0, +)
            #expect(size < 5 << 20, "\(size)")
            let shown = try await watcher.run("history", "show", "\(scenario.id)/1", "--events").expecting(0)
                .saying(
                    "build running  1\n", "build running  1000\n", "lines of output left out here",
                    "build running  the end\n",
                    "ended with status 3")
            #expect(shown.output.utf8.count < 4 << 20)
        }
    }

    @Test func `an environment that no process takes is told as such`() async throws {
        try await Scenario.with { scenario in
            let repository = try await scenario.repository()
            try await repository.commit(["a": "b"], "begin")
            let settings = [
                "build: {commands: [['true']], environment: {LONG: \(String(repeating: "x", count: 200_000))}}",
                Self.run,
            ]
            let watcher = try scenario.watcher(
                ConfiguredProject(scenario.id, repository: repository.fileURL, settings: settings))
            try await watcher.run("deploy").expecting(78).saying("E2BIG", "shorten \"environment\"")
        }
    }

    // MARK: - Looking

    /// A number of seconds that no other process sleeps.
    private static func mark() -> String { "4321.\(UInt32.random(in: 100_000_000...999_999_999))" }

    private struct Seen {
        var id: pid_t
        var parent: pid_t
        var command: String
    }

    /// The processes of the host.
    private static func all() -> [Seen] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.compactMap { id in
            guard let command = FileManager.default.contents(atPath: "/proc/\(id)/cmdline"), !command.isEmpty,
                let data = FileManager.default.contents(atPath: "/proc/\(id)/stat"),
                let fields = String(decoding: data, as: UTF8.self).split(separator: ")").last?.split(separator: " "),
                fields.count > 1, let parent = pid_t(fields[1])
            else { return nil }
            return Seen(id: id, parent: parent, command: String(decoding: command, as: UTF8.self))
        }
    }

    /// The outermost of the processes that watch over this one.
    private static func supervisor(_ process: Seen) -> pid_t? {
        let all = Dictionary(all().map { ($0.id, $0) }) { $1 }
        var (next, found): (Seen?, pid_t?) = (process, nil)
        while let here = next {
            if here.command.hasSuffix("\0host-command\0") { found = here.id }
            next = all[here.parent]
        }
        return found
    }

    private static func processes(_ mark: String) -> [Seen] { all().filter { $0.command == "sleep\0\(mark)\0" } }

    private static func eventually(_ what: String, _ isSo: () throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try !isSo() {
            try #require(ContinuousClock.now < end, "not within a minute: \(what)")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private static func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }
}
