import Reconcile

/// Decides which events of a deployment are kept, so that one that prints without end fills neither memory nor database.
///
/// The beginning is kept as it comes. After that only the end is: of each run of events up to the next milestone (the
/// beginning of a stage, its end, a warning) the last ones, after one event that says how many lines were left out.
struct EventBudget: Sendable {
    /// What is kept of the beginning, in events and bytes.
    static let head = (events: 4000, bytes: 512 << 10)
    /// What is kept before a milestone. All of them together have a limit, too; from then on a few lines are kept of each.
    static let tail = (events: 500, bytes: 128 << 10)
    static let tails = (events: 4000, bytes: 1 << 20)
    static let least = (events: 10, bytes: 4 << 10)
    /// How many milestones are kept at once; more are no milestones any more.
    static let milestones = 500
    /// The bytes of one line.
    static let line = 4000

    private var begun = (events: 0, bytes: 0)
    private var flushed = (events: 0, bytes: 0)
    private var milestonesSeen = 0
    /// The newest events of a flood; those before `first` are gone.
    private var held: [Event] = []
    private var first = 0
    private var heldBytes = 0
    private var leftOut = 0

    private var isFlooded: Bool { begun.events >= Self.head.events || begun.bytes >= Self.head.bytes }

    /// Takes an event; returns what is to be stored now.
    mutating func take(_ event: Event) -> [Event] {
        guard isFlooded else {
            begun.events += 1
            begun.bytes += Self.cost(event)
            return [event]
        }
        if event.isMilestone, milestonesSeen < Self.milestones {
            milestonesSeen += 1
            return end() + [event]
        }
        hold(event)
        return []
    }

    /// What is still held, with what to say about what is not.
    mutating func end() -> [Event] {
        defer {
            held = []
            (first, heldBytes, leftOut) = (0, 0, 0)
        }
        let rest = held[first...]
        guard let oldest = rest.first else { return [] }
        flushed.events += rest.count
        flushed.bytes += heldBytes
        guard leftOut > 0 else { return Array(rest) }
        var note = oldest
        note.kind = .progress
        note.state = .warning
        note.service = nil
        note.line = "\(leftOut) line\(leftOut == 1 ? "" : "s") of output left out here"
        return [note] + rest
    }

    private mutating func hold(_ event: Event) {
        let isSpent = flushed.events >= Self.tails.events || flushed.bytes >= Self.tails.bytes
        let limit = isSpent ? Self.least : Self.tail
        held.append(event)
        heldBytes += Self.cost(event)
        while held.count - first > limit.events || heldBytes > limit.bytes {
            heldBytes -= Self.cost(held[first])
            first += 1
            leftOut += 1
        }
        if first > limit.events {
            held.removeFirst(first)
            first = 0
        }
    }

    private static func cost(_ event: Event) -> Int { event.line.utf8.count + 64 }
}

extension Event {
    /// Everything but output: what a run says about itself.
    fileprivate var isMilestone: Bool {
        kind == .status || kind == .progress && (state == .started || state == .failed || state == .warning)
    }
}
