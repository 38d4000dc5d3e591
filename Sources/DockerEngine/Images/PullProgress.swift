/// A line of the answer to `POST /images/create`.
struct PullMessage: Decodable, Sendable {
    struct Detail: Decodable, Sendable {
        var current: Int?
        var total: Int?
    }

    struct Failure: Decodable, Sendable {
        var code: Int?
        var message: String?
    }

    var status: String?
    var id: String?
    var progressDetail: Detail?
    var error: String?
    var errorDetail: Failure?
}

/// Sums up the engine's many messages about a pull in few lines for people.
struct PullProgress: Sendable {
    private struct Layer: Sendable {
        var isDone = false
        /// Bytes downloaded, and of how many.
        var current = 0
        var total = 0
    }

    /// The shortest time between two lines.
    private static let pause = Duration.seconds(3)

    private let reference: String
    private var layers: [String: Layer] = [:]
    private var last: (at: Duration, line: String) = (.zero, "")

    init(reference: String) { self.reference = reference }

    /// What to tell after this message; nil for nothing. `now` is the time since the pull began.
    mutating func line(after message: PullMessage, at now: Duration) -> String? {
        guard let status = message.status else { return nil }
        guard let id = message.id, !status.hasPrefix("Pulling from") else { return closing(status) }
        var layer = layers[id] ?? Layer()
        switch status {
        case "Downloading":
            layer.current = message.progressDetail?.current ?? layer.current
            layer.total = message.progressDetail?.total ?? layer.total
        case "Verifying Checksum", "Download complete", "Extracting": layer.current = layer.total
        case "Pull complete", "Already exists":
            layer.current = layer.total
            layer.isDone = true
        default: break
        }
        layers[id] = layer
        let line = summary
        guard now - last.at >= Self.pause, line != last.line else { return nil }
        last = (now, line)
        return line
    }

    private func closing(_ status: String) -> String? {
        if status.hasPrefix("Status: Image is up to date") { return "\(reference): is up to date" }
        if status.hasPrefix("Status: Downloaded newer image") { return "\(reference): pulled\(size)" }
        return nil
    }

    private var summary: String {
        let done = layers.values.count { $0.isDone }
        return "\(reference): \(done) of \(layers.count) layers\(size)"
    }

    /// `, 12.3 of 45.6 MB`; nothing when no size is known.
    private var size: String {
        let total = layers.values.reduce(0) { $0 + $1.total }
        guard total > 0 else { return "" }
        let current = layers.values.reduce(0) { $0 + $1.current }
        return current == total
            ? ", \(Self.megabytes(total)) MB" : ", \(Self.megabytes(current)) of \(Self.megabytes(total)) MB"
    }

    /// With one decimal place.
    private static func megabytes(_ bytes: Int) -> String {
        let tenths = (bytes + 50_000) / 100_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
