internal import CLibGit2
import Reconcile

extension ObjectCache {
    /// Whether `ancestor` is reachable from `commit`; false when either is unknown.
    ///
    /// Looks at no more of the history than it takes to reach what both have in common, newest first. Throws when that is
    /// more than the limits allow.
    func isAncestor(
        _ ancestor: CommitID, of commit: CommitID, _ limits: RepositoryLimits = .standard
    ) throws -> Bool {
        guard try self.commit(commit) != nil, try self.commit(ancestor) != nil else { return false }
        if ancestor == commit { return true }
        return try withRepository { repository in
            var walk = AncestryWalk(repository: repository, limits: limits)
            return try walk.reaches(ObjectID(hex: ancestor.hex), from: ObjectID(hex: commit.hex))
        }
    }
}

/// Paints the history from both commits, newest commits first, until everything that is left is known to both.
private struct AncestryWalk {
    private struct Side: OptionSet {
        let rawValue: UInt8
        static let descendant = Side(rawValue: 1)
        static let ancestor = Side(rawValue: 2)
        static let both: Side = [.descendant, .ancestor]
    }

    private struct Entry {
        var time: Int64
        var id: ObjectID
        var parents: [ObjectID]
    }

    private let repository: OpaquePointer
    private let limits: RepositoryLimits
    private let deadline: ContinuousClock.Instant
    private var sides: [ObjectID: Side] = [:]
    /// A heap: the newest commit comes first.
    private var heap: [Entry] = []
    /// What is in the heap, once each.
    private var waiting: Set<ObjectID> = []
    /// How many of the waiting are painted from one side only.
    private var undecided = 0
    private var visits = 0

    init(repository: OpaquePointer, limits: RepositoryLimits) {
        self.repository = repository
        self.limits = limits
        deadline = limits.deadline()
    }

    mutating func reaches(_ ancestor: ObjectID, from descendant: ObjectID) throws -> Bool {
        try paint(descendant, .descendant)
        try paint(ancestor, .ancestor)
        while undecided > 0, let next = pop() {
            let side = sides[next.id] ?? .both
            waiting.remove(next.id)
            if side != .both { undecided -= 1 }
            for parent in next.parents { try paint(parent, side) }
            if sides[ancestor] == .both { return true }
        }
        return false
    }

    private mutating func paint(_ id: ObjectID, _ side: Side) throws {
        visits += 1
        guard visits <= limits.commits else {
            throw GitError.exceeds(
                "the histories of the two commits differ in more than \(limits.commits) commits",
                "Deploy the commit once by its id: `watcher deploy --commit ID`.")
        }
        let known = sides[id] ?? []
        let painted = known.union(side)
        guard painted != known else { return }
        sides[id] = painted
        if waiting.contains(id) {
            if painted == .both { undecided -= 1 }
            return
        }
        if visits % 64 == 0 { try limits.check(deadline, "comparing the histories of two commits") }
        push(try read(id))
        waiting.insert(id)
        if painted != .both { undecided += 1 }
    }

    private func read(_ id: ObjectID) throws -> Entry {
        guard var raw = id.raw else { throw GitError(.unexpected, "\"\(id)\" is not an object id") }
        try ObjectCache.checkSize(ofCommit: &raw, in: repository)
        var commit: OpaquePointer?
        defer { git_commit_free(commit) }
        try ObjectCache.look(up: &commit, &raw, in: repository)
        let parents = (0..<git_commit_parentcount(commit)).compactMap { index in
            git_commit_parent_id(commit, index).map { ObjectID($0.pointee) }
        }
        return Entry(time: git_commit_time(commit), id: id, parents: parents)
    }

    // MARK: - The heap

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, case let parent = (child - 1) / 2, heap[parent].time < heap[child].time {
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func pop() -> Entry? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        heap[0] = last
        var parent = 0
        while true {
            var newest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].time > heap[newest].time {
                newest = child
            }
            if newest == parent { return first }
            heap.swapAt(parent, newest)
            parent = newest
        }
    }
}
