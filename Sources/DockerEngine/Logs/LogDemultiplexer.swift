/// A line that a container wrote.
package struct LogLine: Sendable, Equatable {
    package enum Stream: String, Sendable, Codable { case stdout, stderr }

    package var stream: Stream
    /// Without control characters.
    package var text: String

    package init(stream: Stream, text: String) {
        self.stream = stream
        self.text = text
    }
}

/// Takes apart the engine's log format: frames of an 8-byte header (stream, three zeros, length in four bytes, most
/// significant first) and content; a container with a terminal has no frames, and everything is stdout.
struct LogDemultiplexer: Sendable {
    private let isRaw: Bool
    private var header: [UInt8] = []
    private var left = 0
    private var current = LogLine.Stream.stdout
    private var splitters: [LogLine.Stream: LineSplitter] = [:]

    init(isRaw: Bool) { self.isRaw = isRaw }

    /// The lines that end in these bytes, which may begin and end anywhere.
    mutating func lines(in bytes: some Collection<UInt8>) -> [LogLine] {
        guard !isRaw else { return lines(of: bytes, .stdout) }
        var lines: [LogLine] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            if left == 0 {
                header.append(rest.removeFirst())
                guard header.count == 8 else { continue }
                current = header[0] == 2 ? .stderr : .stdout
                left = header[4...].reduce(0) { $0 << 8 | Int($1) }
                header = []
            } else {
                let piece = rest.prefix(left)
                left -= piece.count
                rest = rest.dropFirst(piece.count)
                lines += self.lines(of: piece, current)
            }
        }
        return lines
    }

    /// Lines that were begun and not ended.
    mutating func rest() -> [LogLine] {
        [LogLine.Stream.stdout, .stderr].compactMap { stream in
            splitters[stream]?.rest().map { Self.line($0, stream) }
        }
    }

    private mutating func lines(of bytes: some Collection<UInt8>, _ stream: LogLine.Stream) -> [LogLine] {
        splitters[stream, default: LineSplitter()].lines(in: bytes).map { Self.line($0, stream) }
    }

    private static func line(_ bytes: [UInt8], _ stream: LogLine.Stream) -> LogLine {
        LogLine(stream: stream, text: String(decoding: bytes, as: UTF8.self).strippingControlCharacters())
    }
}
