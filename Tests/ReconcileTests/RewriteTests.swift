import Reconcile
import Testing

private func id(_ digits: String) -> CommitID { CommitID(hex: digits) }

private func tip(_ digits: String, _ tag: String? = nil, object: String? = nil) -> Tip {
    Tip(
        commit: Commit(id: id(digits), parents: [], author: "", subject: "", time: 0),
        tag: tag.map { Tag(name: $0, object: object ?? digits) })
}

private let main = "branch main of https://git.example.com/shop"
private let other = "branch other of https://git.example.com/shop"
private let tags = "tags v* of https://git.example.com/shop"

private struct RewriteCase: Sendable, CustomTestStringConvertible {
    var name: String
    var tip: Tip
    var revision = main
    var accepted: FollowedTip?
    var deployed: CommitID?
    var witnesses: [Rewrite.Witness: CommitID] = [:]
    /// What the tip contains.
    var contains: Set<CommitID> = []
    var isTagSigned = true
    var rewrite: Rewrite?
    var testDescription: String { name }
}

@Suite struct RewriteTests {
    private static let cases = [
        RewriteCase(name: "the first tip is none", tip: tip("c1")),
        RewriteCase(name: "the same tip is none", tip: tip("c1"), accepted: .init(revision: main, commit: id("c1"))),
        RewriteCase(
            name: "a successor is none", tip: tip("c2"), accepted: .init(revision: main, commit: id("c1")),
            contains: [id("c1")]),
        RewriteCase(
            name: "a tip that lacks the one before is", tip: tip("d2"),
            accepted: .init(revision: main, commit: id("c2")), rewrite: .lost(id("c2"), .observed)),
        RewriteCase(
            name: "an older tip is, although it contains what is deployed", tip: tip("c2"),
            accepted: .init(revision: main, commit: id("c3")), deployed: id("c1"), contains: [id("c1")],
            rewrite: .lost(id("c3"), .observed)),
        RewriteCase(
            name: "the deployed commit itself is, when a newer one was seen", tip: tip("c1"),
            accepted: .init(revision: main, commit: id("c2")), deployed: id("c1"), rewrite: .lost(id("c2"), .observed)),
        RewriteCase(
            name: "what is deployed from another past does not matter", tip: tip("c3"),
            accepted: .init(revision: main, commit: id("c2")), deployed: id("b7"), contains: [id("c2")]),
        RewriteCase(
            name: "another branch in the configuration is none", tip: tip("d1"), revision: other,
            accepted: .init(revision: main, commit: id("c2")), deployed: id("c2")),
        RewriteCase(
            name: "where no tip was accepted yet, what is deployed has to be contained", tip: tip("d1"),
            deployed: id("c2"), rewrite: .lost(id("c2"), .deployed)),
        RewriteCase(name: "and may be", tip: tip("c3"), deployed: id("c2"), contains: [id("c2")]),
        RewriteCase(
            name: "what only the labels name has to be contained", tip: tip("c1"),
            witnesses: [.labels: id("c2")], rewrite: .lost(id("c2"), .labels)),
        RewriteCase(
            name: "also beside a record that is too old", tip: tip("c1"),
            accepted: .init(revision: main, commit: id("c1")), deployed: id("c1"), witnesses: [.labels: id("c2")],
            rewrite: .lost(id("c2"), .labels)),
        RewriteCase(
            name: "and after another branch was configured", tip: tip("d1"), revision: other,
            accepted: .init(revision: main, commit: id("c1")), witnesses: [.labels: id("c2")],
            rewrite: .lost(id("c2"), .labels)),
        RewriteCase(name: "and may be contained", tip: tip("c3"), witnesses: [.labels: id("c2")], contains: [id("c2")]),
        RewriteCase(name: "or be the tip", tip: tip("c2"), witnesses: [.labels: id("c2"), .checkout: id("c2")]),
        RewriteCase(
            name: "so has what only the checkout holds", tip: tip("c1"), witnesses: [.checkout: id("c2")],
            rewrite: .lost(id("c2"), .checkout)),
        RewriteCase(
            name: "a higher version is none, on whatever branch", tip: tip("d1", "v1.1.0"), revision: tags,
            accepted: .init(revision: tags, commit: id("c1"), tag: Tag(name: "v1.0.0", object: "c1")),
            deployed: id("c1")),
        RewriteCase(
            name: "a higher version that nobody signed is, unless its commit follows", tip: tip("c0", "v9.0.0"),
            revision: tags, accepted: .init(revision: tags, commit: id("c1"), tag: Tag(name: "v1.0.0", object: "a1")),
            isTagSigned: false, rewrite: .unsignedTag("v9.0.0", before: id("c1"))),
        RewriteCase(
            name: "and then it is none", tip: tip("c2", "v9.0.0"), revision: tags,
            accepted: .init(revision: tags, commit: id("c1"), tag: Tag(name: "v1.0.0", object: "a1")),
            contains: [id("c1")], isTagSigned: false),
        RewriteCase(
            name: "a tag that was moved is", tip: tip("c2", "v1.0.0"), revision: tags,
            accepted: .init(revision: tags, commit: id("c1"), tag: Tag(name: "v1.0.0", object: "c1")),
            contains: [id("c1")], rewrite: .movedTag("v1.0.0", from: id("c1"), to: id("c2"))),
        RewriteCase(
            name: "a tag made anew at the same commit is none", tip: tip("c1", "v1.0.0", object: "a2"), revision: tags,
            accepted: .init(revision: tags, commit: id("c1"), tag: Tag(name: "v1.0.0", object: "a1"))),
        RewriteCase(
            name: "an older version is, when the newer was removed", tip: tip("c1", "v1.0.0"), revision: tags,
            accepted: .init(revision: tags, commit: id("c2"), tag: Tag(name: "v1.10.0", object: "c2")),
            rewrite: .removedTag("v1.10.0", leaving: "v1.0.0")),
        RewriteCase(
            name: "another name of the same version may follow", tip: tip("d1", "v1.0.0+2"), revision: tags,
            accepted: .init(revision: tags, commit: id("c1"), tag: Tag(name: "v1.0.0+1", object: "c1"))),
        RewriteCase(
            name: "but not go back", tip: tip("c1", "v1.0.0+1"), revision: tags,
            accepted: .init(revision: tags, commit: id("d1"), tag: Tag(name: "v1.0.0+2", object: "d1")),
            rewrite: .removedTag("v1.0.0+2", leaving: "v1.0.0+1")),
        RewriteCase(
            name: "another pattern is none", tip: tip("c1", "v1.0.0"), revision: tags,
            accepted: .init(revision: main, commit: id("c2")), deployed: id("c2")),
    ]

    @Test(arguments: cases) private func `a tip follows the one before, or it is a rewrite`(_ test: RewriteCase) {
        var facts = RewriteFacts(tip: test.tip, revision: test.revision)
        facts.accepted = test.accepted
        facts.deployed = test.deployed
        facts.witnesses = test.witnesses
        facts.contained = test.contains
        facts.isTagSigned = test.isTagSigned
        #expect(Rewrite(facts) == test.rewrite)
    }

    @Test func `only what is not the tip itself has to be looked for in its history`() {
        var facts = RewriteFacts(tip: tip("c1"), revision: main)
        #expect(facts.questions == [])
        facts.accepted = FollowedTip(revision: main, tip("c1"))
        facts.deployed = id("c0")
        facts.witnesses = [.labels: id("c1"), .checkout: id("c2")]
        #expect(facts.questions == [id("c0"), id("c2")])
    }
}
