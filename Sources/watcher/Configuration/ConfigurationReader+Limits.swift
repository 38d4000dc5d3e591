internal import Compose
internal import YAML

/// What the run of one project may take.
struct RunLimits: Sendable, Equatable {
    static let projectKeys = ["deadline", "memory"]

    /// After this time the run is ended as if a person had interrupted it.
    var deadline: Duration = .seconds(1800)
    /// Bytes of memory of its process, without those of the commands and programs that it starts.
    var memory = 2 << 30

    /// How long a run that was ended may take to put back what it took apart, until its process is ended hard.
    var grace: Duration { min(max(deadline, .seconds(10)), .seconds(600)) }

    var memoryText: String { memory % (1 << 30) == 0 ? "\(memory >> 30) GiB" : "\(memory >> 20) MiB" }
}

extension ConfigurationReader {
    /// The limits that a section gives, for all projects or for one; what it leaves out is as in `defaults`.
    func runLimits(_ section: SectionReader, _ defaults: RunLimits) -> RunLimits {
        var limits = defaults
        if let deadline = section.duration("deadline", above: .zero) { limits.deadline = deadline }
        if let node = section.node("memory") {
            let bytes = node.string.flatMap { Self.bytes($0) } ?? node.int
            if let bytes, (256 << 20)...(1 << 42) ~= bytes {
                limits.memory = bytes
            } else {
                problems.add(
                    "\(section.name("memory")): expected a size of at least 256m, such as 512m or 2g", at: node.location
                )
            }
        }
        return limits
    }

    /// `512m`, `2g`: a whole number and a unit of 1024 to the power of something; nil for anything else.
    private static func bytes(_ text: String) -> Int? {
        let powers: [Character: Int] = ["k": 10, "m": 20, "g": 30]
        guard let last = text.last, let power = powers[Character(last.lowercased())], let count = Int(text.dropLast()),
            count > 0, count < 1 << 20
        else { return nil }
        return count << power
    }
}
