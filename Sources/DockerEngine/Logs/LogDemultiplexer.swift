/// A line that a container wrote.
package struct LogLine: Sendable, Equatable {
    package enum Stream: String, Sendable, Codable { case stdout, stderr }

    package var stream: Stream
    /// Without its end, and without control characters unless it was asked for as it is; what is no UTF-8 is U+FFFD.
    package var text: String
    /// When it was written, as the engine says it: RFC 3339 with nine digits; nil when that was not asked for.
    package var at: String?

    package init(stream: Stream, text: String, at: String? = nil) {
        self.stream = stream
        self.text = text
        self.at = at
    }
}

/// Takes apart the engine's log format: frames of an 8-byte header (stream, three zeros, length in four bytes, most
/// significant first) and content; a container with a terminal has no frames, and everything is stdout.
///
/// With times, every frame (and without frames every line) begins with one and a space. The engine cuts long lines into
/// several frames, so a time within a line is not part of it.
struct LogDemultiplexer: Sendable {
    private let isRaw: Bool
    private let isTimed: Bool
    private let isVerbatim: Bool
    private let longest: Int
    /// The time at the beginning of a frame, as far as it was read; nil behind it.
    private var stamp: [UInt8]?
    /// When the line that is under way began.
    private var begun: [LogLine.Stream: String] = [:]
    private var header: [UInt8] = []
    private var left = 0
    private var current = LogLine.Stream.stdout
    private var splitters: [LogLine.Stream: LineSplitter] = [:]

    /// - Parameters:
    ///   - isTimed: whether the engine was asked for times.
    ///   - isVerbatim: whether control characters stay.
    ///   - longest: bytes after which a line is cut.
    init(isRaw: Bool, isTimed: Bool = false, isVerbatim: Bool = false, longest: Int = 64 << 10) {
        self.isRaw = isRaw
        self.isTimed = isTimed
        self.isVerbatim = isVerbatim
        self.longest = longest
    }

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
                stamp = isTimed && left > 0 ? [] : nil
            } else if stamp != nil {
                readStamp(rest.removeFirst())
                left -= 1
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
            splitters[stream]?.rest().map { line($0, stream) }
        }
    }

    private mutating func readStamp(_ byte: UInt8) {
        guard byte == UInt8(ascii: " ") else {
            stamp?.append(byte)
            return
        }
        if begun[current] == nil { begun[current] = String(decoding: stamp ?? [], as: UTF8.self) }
        stamp = nil
    }

    private mutating func lines(of bytes: some Collection<UInt8>, _ stream: LogLine.Stream) -> [LogLine] {
        let ended = splitters[stream, default: LineSplitter(longest: longest)].lines(in: bytes)
        let lines = ended.map { line($0, stream) }
        if !ended.isEmpty { begun[stream] = nil }
        return lines
    }

    private func line(_ bytes: [UInt8], _ stream: LogLine.Stream) -> LogLine {
        var content = bytes[...]
        var at = begun[stream]
        if isRaw, isTimed, let space = bytes.firstIndex(of: UInt8(ascii: " ")) {
            at = String(decoding: bytes[..<space], as: UTF8.self)
            content = bytes[(space + 1)...]
        }
        let text = String(decoding: content, as: UTF8.self)
        return LogLine(stream: stream, text: isVerbatim ? text : text.strippingControlCharacters(), at: at)
    }
}
