import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// What is read and removed of a directory in which another user may have put anything.
@Suite struct BuildPlaceTests {
    let sandbox: Sandbox
    let origin: Origin

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
    }

    private var project: String { "\(sandbox.path)/state/projects/shop" }
    private var victim: String { "\(sandbox.path)/victim" }

    /// Builds a commit with one file, `a`, by a script that runs in the build's directory.
    private func build(_ script: String, user: String? = nil, limits: BuildLimits = BuildLimits()) async throws
        -> KeptBuild
    {
        let commit = try origin.commit(["a": "1", "dir/b": "2"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        var place = BuildPlace(projectDirectory: project)
        place.limits = limits
        let tree = try CommitTree(commit, in: ObjectCache(opening: try origin.cache()))
        let build = BuildID(commit: commit, recipe: "0123456789abcdef")
        let directory = try place.begin(tree, user: user)
        do {
            try sandbox.run("sh", "-ec", script, in: directory)
            _ = try place.finish(build, tree)
        } catch {
            try place.clear()
            throw error
        }
        return try place.kept(build)
    }

    @Test func `outputs are what the commit does not hold just so, with their modes`() async throws {
        let kept = try await build("echo new > c; chmod 600 c; echo x > dir/d; chmod 4755 dir/d; ln -s c link; touch a")
        #expect(kept.outputs.keys.map(\.text).sorted() == ["c", "dir/d", "link"])
        #expect(kept.outputs[TreePath("c")]?.permissions == 0o600)
        #expect(kept.outputs[TreePath("dir/d")]?.permissions == 0o755)
        #expect(try kept.outputs[TreePath("c")].map { try kept.content(of: $0) } == Array("new\n".utf8))
    }

    @Test func `a foreign file is refused, also through a hard link`() async throws {
        try sandbox.write("secret", to: "secret", mode: 0o600)
        let error = try await gitError {
            try await build("ln \(sandbox.path)/secret stolen || cp \(sandbox.path)/secret stolen", user: "nobody")
                .outputs.count
        }
        #expect(error.reason == .buildFailed && error.message.contains("stolen"), "\(error)")
    }

    @Test func `the directory of another user's build cannot be replaced, and a link is not followed`() async throws {
        try sandbox.write("secret", to: "victim/file")
        for script in ["rm -r dir; ln -s \(victim) dir", "here=$PWD; cd ..; rm -r tree; ln -s \(victim) tree"] {
            // Here root replaces it, which the user cannot.
            let outputs = try? await build(script, user: "nobody").outputs.values.map(\.path.text)
            #expect(outputs == nil || outputs == ["dir"], "\(outputs ?? [])")
            #expect(try contents(of: victim) == ["file": "secret"])
        }
    }

    @Test(arguments: [
        ("for i in 1 2 3; do echo $i > f$i; done", "more than 2 files"), ("head -c 3000000 /dev/zero > big", "MiB"),
        ("truncate -s 1T sparse", "MiB"), ("mkdir -p 1/2/3/4/5/6", "deeper than 5"),
        ("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do mkdir $i; done", "more than 12"),
        ("touch \"$(printf 'x\\377')\"", "not UTF-8"), ("rm a; mkdir a; echo 1 > a/b", "has a file a"),
        ("rm -r dir; echo 1 > dir", "is a directory in the commit"),
    ])
    func `a build that leaves too much, or what cannot be kept, fails`(script: String, why: String) async throws {
        let limits = BuildLimits(outputs: 2, bytes: 2 << 20, entries: 12, depth: 5)
        let error = try await gitError { try await build(script, limits: limits).outputs.count }
        #expect(error.reason == .buildFailed && error.message.contains(why), "\(error)")
        #expect(access("\(project)/build", F_OK) != 0)
    }

    @Test func `a tree of any depth is removed, with names of any bytes, and nothing through links`() throws {
        try sandbox.write("kept", to: "victim/file")
        try sandbox.run(
            "sh", "-ec",
            """
            mkdir top; cd top; ln -s \(victim) link; touch "$(printf '\\377')" ; mkdir closed; touch closed/file; chmod 0 closed
            i=0; while [ $i -lt 3000 ]; do mkdir d .removed-$i; touch .removed-$i/x; cd -P d; i=$((i + 1)); done
            """)
        let directory = try OpenDirectory(sandbox.path)
        try directory.remove(OpenDirectory.Name("top"))
        try directory.remove(OpenDirectory.Name("top"))
        #expect(access("\(sandbox.path)/top", F_OK) != 0)
        #expect(try contents(of: victim) == ["file": "kept"])
        symlink(victim, "\(sandbox.path)/link")
        #expect(throws: GitError.self) { try OpenDirectory("\(sandbox.path)/link") }
        try directory.remove(OpenDirectory.Name("link"))
        #expect(try contents(of: victim) == ["file": "kept"])
    }
}
