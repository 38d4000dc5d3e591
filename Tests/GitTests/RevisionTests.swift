import Reconcile
import Testing

@testable import Git

@Suite struct RevisionTests {
    private let url = "https://git.example.com/x"

    private func tags(_ names: String...) -> RemoteReferences {
        RemoteReferences(ids: Dictionary(uniqueKeysWithValues: names.map { ("refs/tags/\($0)", "id of \($0)") }))
    }

    @Test(arguments: [
        (["v1.2.0", "v1.10.0", "v1.9.9"], "v*", "v1.10.0"),
        (["v1.0.0", "v2.0.0-rc.1"], "v*", "v1.0.0"),
        (["v1.0.0", "v2.0.0-rc.1", "v2.0.0-rc.11", "v2.0.0-rc.2"], "v*-*", "v2.0.0-rc.11"),
        (["v1.0.0", "v2.0.0", "v2.0.0-rc.1"], "v2*", "v2.0.0"),
        (["shop/v1.0.0", "till/v3.0.0", "shop/v1.0.1"], "shop/v*", "shop/v1.0.1"),
        (["1.0", "1.0.1+build.7", "latest", "v"], "*", "1.0.1+build.7"),
        (["v1.0.0-alpha", "v1.0.0-1", "v1.0.0-alpha.beta"], "*-*", "v1.0.0-alpha.beta"),
    ])
    func `the highest version among the matching tags is chosen`(names: [String], pattern: String, best: String) throws
    {
        let references = RemoteReferences(ids: Dictionary(uniqueKeysWithValues: names.map { ("refs/tags/\($0)", $0) }))
        #expect(try references.choose(tag: pattern, at: GitRemoteURL(url)).reference == "refs/tags/\(best)")
    }

    @Test func `an annotated tag means the commit it points to`() throws {
        let references = RemoteReferences(ids: ["refs/tags/v1": "aa", "refs/tags/v1^{}": "bb"])
        #expect(try references.choose(tag: "v1", at: GitRemoteURL(url)).commit == CommitID(hex: "bb"))
    }

    @Test func `when no version matches it is said what there is`() throws {
        let url = try GitRemoteURL(url)
        let pre = #expect(throws: GitError.self) { try tags("v2.0.0-rc.1").choose(tag: "v*", at: url) }
        #expect(pre?.reason == .branchMissing)
        #expect(pre?.advice.contains("v2.0.0-rc.1") == true)
        let other = #expect(throws: GitError.self) { try tags("latest").choose(tag: "l*", at: url) }
        #expect(other?.advice.contains("latest") == true)
        let none = #expect(throws: GitError.self) { try tags().choose(tag: "v*", at: url) }
        #expect(none?.advice.contains("no tags") == true)
    }

    @Test func `a missing branch is answered with the names most like it`() throws {
        let names = ["main", "mian", "maintenance", "production", "staging", "release", "feature/a"]
        let references = RemoteReferences(
            ids: Dictionary(uniqueKeysWithValues: names.map { ("refs/heads/\($0)", "aa") }))
        let error = #expect(throws: GitError.self) {
            try references.choose(branch: "mainn", at: GitRemoteURL(url))
        }
        #expect(error?.reason == .branchMissing)
        #expect(error?.message.contains("“mainn”") == true)
        #expect(error?.advice.hasPrefix("Branches there: main, mian, ") == true)
    }

    @Test(arguments: [
        ("v1", "v*", true), ("v1", "v?", true), ("v", "v?", false), ("v", "v*", true), ("xv1", "v*", false),
        ("a-b-c", "a*c", true), ("a-b-c", "a*b", false), ("", "*", true), ("abab", "*ab", true), ("v1", "", false),
    ])
    func `a pattern matches the whole name`(name: String, pattern: String, matches: Bool) {
        #expect(RemoteReferences.matches(name[...], pattern[...]) == matches)
    }
}
