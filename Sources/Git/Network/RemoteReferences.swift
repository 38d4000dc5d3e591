import Reconcile

/// The references a remote advertises, and which of them a revision means.
struct RemoteReferences {
    struct Choice: Equatable {
        var reference: String?
        var commit: CommitID
        /// The tag's own object; nil for a branch.
        var tag: Tag?
    }

    /// Full name → object id; for an annotated tag `name^{}` is the commit it points to.
    var ids: [String: String]

    /// What the branch or tag pattern means here; throws `branchMissing` with the nearest names there are.
    func choose(branch name: String, at url: GitRemoteURL) throws -> Choice {
        if let id = ids["refs/heads/\(name)"] {
            return Choice(reference: "refs/heads/\(name)", commit: CommitID(hex: id))
        }
        let branches = names(under: "refs/heads/")
        let known =
            branches.isEmpty
            ? "It has no branches yet: push one."
            : "Branches there: \(Self.nearest(to: name, in: branches).joined(separator: ", "))"
                + (branches.count > 5 ? ", … (\(branches.count) in all)." : ".")
        throw GitError(.branchMissing, "the branch “\(name)” does not exist in \(url)", advice: known)
    }

    func choose(tag pattern: String, at url: GitRemoteURL) throws -> Choice {
        let tags = names(under: "refs/tags/").filter { !$0.hasSuffix("^{}") }
        let matching = tags.filter { Self.matches($0[...], pattern[...]) }
        let versions = matching.compactMap { tag in SemanticVersion(tag).map { (tag: tag, version: $0) } }
        let releases = versions.filter { $0.version.prerelease.isEmpty || pattern.contains("-") }
        // Of equal versions (`v1.0` and `1.0.0`) the name decides, so that the choice does not depend on the order.
        let best = releases.max { $0.version == $1.version ? $0.tag < $1.tag : $0.version < $1.version }
        if let best, let object = ids["refs/tags/\(best.tag)"] {
            return Choice(
                reference: "refs/tags/\(best.tag)", commit: CommitID(hex: ids["refs/tags/\(best.tag)^{}"] ?? object),
                tag: Tag(name: best.tag, object: object.lowercased()))
        }
        let advice =
            if let only = versions.first {
                "Only pre-releases match, such as \(only.tag); a pattern with a “-” takes them into account."
            } else if let some = matching.first {
                "Tags that match, such as \(some), are no versions (v1.2.3)."
            } else {
                tags.isEmpty
                    ? "It has no tags yet: push one."
                    : "Tags there: \(Self.nearest(to: pattern, in: tags).joined(separator: ", "))."
            }
        throw GitError(.branchMissing, "no version tag matches “\(pattern)” in \(url)", advice: advice)
    }

    /// A reference that stands exactly at the commit, branches first; nil when none does.
    func reference(at commit: CommitID) -> String? {
        let found = ids.filter { $0.value == commit.hex }.keys.filter { !$0.hasSuffix("^{}") && $0.hasPrefix("refs/") }
        return found.min { ($0.hasPrefix("refs/heads/") ? 0 : 1, $0) < ($1.hasPrefix("refs/heads/") ? 0 : 1, $1) }
    }

    private func names(under prefix: String) -> [String] {
        ids.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    /// At most five names, those most like `name` first.
    static func nearest(to name: String, in names: [String]) -> [String] {
        let ranked = names.sorted().prefix(2000).map { (name: $0, distance: distance(name, $0)) }
        return ranked.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(5).map(\.name)
    }

    /// The number of single-byte edits between two names.
    private static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.lowercased().utf8.prefix(100)), Array(b.lowercased().utf8.prefix(100)))
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let cost = left == right ? diagonal : diagonal + 1
                diagonal = row[j + 1]
                row[j + 1] = min(cost, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }

    /// Shell-like matching with `*` (anything) and `?` (one character).
    static func matches(_ name: Substring, _ pattern: Substring) -> Bool {
        var (name, pattern) = (name, pattern)
        var retry: (name: Substring, pattern: Substring)?
        while !name.isEmpty {
            if pattern.first == "*" {
                pattern = pattern.dropFirst()
                retry = (name, pattern)
            } else if let expected = pattern.first, expected == "?" || expected == name.first {
                name = name.dropFirst()
                pattern = pattern.dropFirst()
            } else if let last = retry {
                name = last.name.dropFirst()
                pattern = last.pattern
                retry = (name, pattern)
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == "*" }
    }
}
