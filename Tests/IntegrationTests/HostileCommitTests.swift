import FoundationEssentials
import Testing
import WatcherTestSupport

/// Commits that whoever may push made to harm the host: invalid (65) at `check` and `deploy`, recorded once, and what runs
/// goes on.
@Suite struct HostileCommitTests {
    /// Pushes a tree made by a shell script, which prints its id; `$FILE` is a blob, `$EMPTY` an empty tree.
    private func refused(
        _ script: String, saying text: String, within seconds: Double = 30, fileID: String = #fileID, line: Int = #line
    ) async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            try await scenario.run(
                "bash", ["-euc", Self.prelude + script + Self.push], environment: Self.environment,
                in: stack.repository.path
            ).expecting(0)
            let start = ContinuousClock.now
            try await stack.watcher.run("check").expecting(65, fileID: fileID, line: line).saying(text)
            for _ in 0..<3 {
                try await stack.watcher.run("deploy").expecting(65, fileID: fileID, line: line).saying(text)
            }
            #expect(ContinuousClock.now - start < .seconds(seconds))
            #expect(try await stack.containers() == before)
            let history = try await stack.watcher.run("history", scenario.id).expecting(0)
            #expect(history.output.split(separator: "\n").filter { $0.contains("invalid") }.count == 1)
        }
    }

    private static let environment = [
        "GIT_AUTHOR_NAME": "Eve", "GIT_AUTHOR_EMAIL": "eve@example.com", "GIT_COMMITTER_NAME": "Eve",
        "GIT_COMMITTER_EMAIL": "eve@example.com", "GIT_CONFIG_GLOBAL": "/dev/null",
    ]

    private static let prelude = #"""
        FILE=$(echo x | git hash-object -w --stdin)
        EMPTY=$(git hash-object -w -t tree /dev/null)
        # entry MODE NAME ID: one entry of a tree object, as it is
        entry() { printf '%s %b\0' "$1" "$2"; printf "$(sed 's/../\\x&/g' <<<"$3")"; }
        tree() { git hash-object -t tree --literally -w --stdin; }

        """#

    private static let push = #"""

        COMPOSE=$(git rev-parse main:compose.yaml)
        ROOT=$({ entry 100644 compose.yaml "$COMPOSE"; entry 40000 evil "$TREE"; } | tree)
        git update-ref refs/heads/main "$(git commit-tree "$ROOT" -p main -m evil)"
        """#

    @Test func `ten trees that expand to billions of directories`() async throws {
        try await refused(
            #"TREE=$EMPTY; for level in 1 2 3 4 5 6 7 8 9 10; do TREE=$(for n in $(seq 100 199); do entry 40000 $n $TREE; done | tree); done"#,
            saying: "more than 500000 files and directories")
    }

    @Test func `a NUL in the target of a link`() async throws {
        try await refused(
            #"LINK=$(printf 'inside\0/../..' | git hash-object -w --stdin); TREE=$(entry 120000 link $LINK | tree)"#,
            saying: "the symbolic link evil/link has a NUL in its target")
    }

    @Test func `a name of 300 bytes`() async throws {
        try await refused(
            #"TREE=$(entry 100644 "$(printf 'n%.0s' $(seq 300))" $FILE | tree)"#, saying: "a file name of 300 bytes")
    }

    @Test func `an empty name`() async throws {
        try await refused(#"TREE=$(entry 100644 '' $FILE | tree)"#, saying: "forbidden file name \"\"")
    }

    @Test func `a name that is there twice`() async throws {
        try await refused(
            #"TREE=$({ entry 100644 a $FILE; entry 100644 a $FILE; } | tree)"#, saying: "\"a\" twice in one directory")
    }

    @Test func `a file of 2 GB in a small repository`() async throws {
        try await refused(
            #"BIG=$(head -c 2G /dev/zero | git -c core.bigFileThreshold=1m hash-object -w --stdin); TREE=$(entry 100644 big $BIG | tree)"#,
            saying: "evil/big holds 2 GiB, and a file may hold at most 100 MiB", within: 120)
    }

    /// One without an author, and one with a message that no person wrote.
    @Test(arguments: [
        "printf 'tree %s\\n' $(git rev-parse main^{tree})",
        "git cat-file commit main; head -c 2000000 /dev/zero | tr '\\0' x",
    ]) func `a commit that cannot be read takes nothing away from what is deployed`(commit: String) async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            try await scenario.run(
                "bash",
                [
                    "-euc",
                    "{ \(commit); } | git hash-object -t commit --literally -w --stdin > ../odd; "
                        + "cp ../odd refs/heads/main",
                ],
                environment: Self.environment, in: stack.repository.path
            ).expecting(0)
            try await stack.watcher.run("check").expecting(65)
            try await scenario.engine.remove(container: try await stack.container("web").id)
            try await stack.watcher.run("deploy").expecting(65).saying("what was deployed before was put right")
            #expect(try await stack.container("web").isRunning)
        }
    }

    @Test func `a hundred million replicas`() async throws {
        try await Scenario.with { scenario in
            let stack = try await Deployed(stack(service("web")), in: scenario)
            let before = try await stack.containers()
            try await stack.repository.commit(
                compose: "services:\n  web:\n    image: busybox:1\n    deploy: {replicas: 100000000}\n", "scale")
            for command in ["check", "deploy", "deploy"] {
                try await stack.watcher.run(command).expecting(65).saying(
                    "compose.yaml:4:14", "services.web.deploy.replicas", "at most 1000")
            }
            #expect(try await stack.containers() == before)
        }
    }
}
