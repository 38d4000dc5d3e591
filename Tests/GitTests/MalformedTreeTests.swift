import Compose
import Deploy
import FoundationEssentials
import Glibc
import Reconcile
import Testing

@testable import Git

/// Trees and links that Git itself would not make: invalid (65), found by `check`, and not taken for a damaged cache.
@Suite struct MalformedTreeTests {
    let sandbox: Sandbox
    let origin: Origin
    let raw: RawObjects

    init() throws {
        sandbox = try Sandbox()
        origin = try Origin(sandbox)
        raw = RawObjects(origin: origin)
    }

    /// The commit's objects are brought into the cache by hand: what libgit2 refuses to fetch would not be looked at.
    private func refusal(_ tree: String) async throws -> GitError {
        try origin.commit(["a": "1"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        let commit = CommitID(hex: try origin.git("commit-tree", tree, "-m", "Evil"))
        try sandbox.run("cp", "-r", "\(origin.tree)/.git/objects/.", "\(origin.cache())/objects/")
        let error = try await gitError { try await repository.compareCheckout(with: commit) }
        #expect(error.reason == .invalidProject)
        #expect(access(repository.checkoutPath, F_OK) != 0)
        #expect(try await gitError { try await repository.compareCheckout(with: commit) } == error)
        #expect(try await gitError { try await repository.stageCheckout(of: commit) } == error)
        #expect(!CacheDirectory(path: try origin.cache()).isDamaged)
        try sandbox.run("rm", "-rf", "\(sandbox.path)/state/projects")
        return error
    }

    private func blob() throws -> String { try raw.blob("x") }

    // MARK: - Links

    @Test(arguments: [
        ("inside\0/../../outside", "NUL"), ("", "empty"), (String(repeating: "a/", count: 2_048), "4096 bytes"),
    ])
    func `a link that no file system can hold as it is is refused`(target: String, word: String) async throws {
        let link = try raw.blob(target)
        let tree = try raw.tree([.init("120000", "link", link), .init("100644", "real", try blob())])
        let error = try await refusal(tree)
        #expect(error.message.contains("the symbolic link link"))
        #expect(error.message.contains(word))
    }

    @Test func `a link to a name that is not UTF-8 is refused`() async throws {
        let tree = try raw.tree([.init("120000", "link", try raw.blob([0x61, 0xff, 0x62]))])
        #expect(try await refusal(tree).message.contains("not UTF-8"))
    }

    @Test func `a NUL in a link does not fool the loader`() async throws {
        try origin.commit(["a": "1"])
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        let tree = try raw.tree([
            .init("100644", "compose.yaml", try blob()), .init("120000", "link", try raw.blob("compose.yaml\0/x")),
        ])
        let commit = CommitID(hex: try origin.git("commit-tree", tree, "-m", "Evil"))
        try sandbox.run("cp", "-r", "\(origin.tree)/.git/objects/.", "\(origin.cache())/objects/")
        let files = try await repository.files(of: commit, nil)
        #expect(throws: FileAccessError.self) { try files.read("\(repository.checkoutPath)/link") }
        #expect(throws: FileAccessError.self) { try files.contentID("\(repository.checkoutPath)/link") }
    }

    // MARK: - Names

    @Test(arguments: [
        "..", ".", ".git", ".GIT", ".gIt", ".git.", ".git ", ".git. .", "git~1", "GIT~1", ".git::$INDEX_ALLOCATION",
        ".g\u{200c}it", "\u{feff}.git", ".GI\u{202e}T", "a\\.git", "a\\git~1", "a/b",
    ])
    func `names that lead out of the commit, or are .git to some file system, are refused`(name: String) async throws {
        let inner = try raw.tree([.init("100644", "evil", try blob())])
        #expect(try await refusal(try raw.tree([.init("40000", name, inner)])).message.contains("forbidden file name"))
    }

    @Test(arguments: [".gitignore", ".github", ".git-blame", "git~2", "git", ".gi", "a.git", "x.git.y", "git~10"])
    func `names that only resemble it are not`(name: String) { #expect(!TreeObject.isGitsOwn(name)) }

    @Test func `a name that is too long or empty, and one that is not UTF-8, are refused`() async throws {
        let blob = try blob()
        let long = String(repeating: "n", count: 300)
        #expect(
            try await refusal(try raw.tree([.init("100644", long, blob)])).message.contains("file name of 300 bytes"))
        #expect(
            try await refusal(try raw.tree([.init("100644", "", blob)])).message.contains("forbidden file name \"\""))
        #expect(try await refusal(try raw.tree([.init("100644", [0x61, 0xff], blob)])).message.contains("not UTF-8"))
    }

    @Test func `a name below a directory is told with the directory`() async throws {
        let inner = try raw.tree([.init("100644", "..", try blob())])
        let middle = try raw.tree([.init("40000", "inner", inner)])
        let error = try await refusal(try raw.tree([.init("40000", "outer", middle)]))
        #expect(error.message.hasSuffix("(in the directory outer/inner)"))
    }

    // MARK: - Lists

    @Test func `what is there twice, or not where Git sorts it, is refused`() async throws {
        let (one, two) = (try raw.blob("1"), try raw.blob("2"))
        let directory = try raw.tree([.init("100644", "x", one)])
        func file(_ name: String, _ id: String) -> RawObjects.Entry { .init("100644", name, id) }
        for entries in [
            [file("a", one), file("a", two)], [file("a", one), file("a.b", one), .init("40000", "a", directory)],
            [.init("40000", "a", directory), .init("40000", "a", directory)],
        ] {
            #expect(try await refusal(try raw.tree(entries)).message.contains("\"a\" twice in one directory"))
        }
        for entries in [
            [file("b", one), file("a", one)], [.init("40000", "a", directory), file("a.b", one)],
        ] {
            #expect(try await refusal(try raw.tree(entries)).message.contains("is not where Git sorts it"))
        }
    }

    @Test(arguments: ["100664", "040755", "0", "100600", "120777", "755", "10064x", "-1"])
    func `modes that Git does not write are refused`(mode: String) async throws {
        let tree = try raw.tree([.init(mode, "a", try blob())])
        #expect(try await refusal(tree).message.contains("\"a\" has the mode \"\(mode)\""))
    }

    @Test func `a mode that old programs wrote with a zero is taken`() async throws {
        let inner = try raw.tree([.init("100644", "x", try blob())])
        let tip = try raw.push(try raw.tree([.init("040000", "a", inner)]))
        let repository = try origin.repository()
        _ = try await repository.fetchTip()
        #expect(try await repository.compareCheckout(with: tip).changedPaths == ["a/x"])
    }

    @Test func `a list that breaks off, and an entry of another type than it says, are refused`() async throws {
        let (blob, tree) = (try blob(), try raw.tree([]))
        #expect(
            try await refusal(try raw.write("tree", Array("100644 a".utf8))).message.contains("list of a directory"))
        #expect(
            try await refusal(try raw.write("tree", Array("100644 a\0short".utf8))).message.contains("breaks off"))
        #expect(try await refusal(try raw.tree([.init("40000", "a", blob)])).message.contains("directory a is none"))
        #expect(try await refusal(try raw.tree([.init("100644", "a", tree)])).message.contains("should be a file"))
        let zero = String(repeating: "0", count: 40)
        #expect(try await refusal(try raw.tree([.init("100644", "a", zero)])).message.contains("has no content"))
    }
}
