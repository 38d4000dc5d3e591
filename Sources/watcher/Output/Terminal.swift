internal import Foundation
internal import Synchronization

/// The two streams a person or script reads, and what is known about them. Nothing else writes.
struct Terminal: Sendable {
    enum ColorMode: String, CaseIterable, Sendable { case auto, always, never }

    private static let isOutputLost = Mutex(false)
    private static let isReaderGone = Mutex(false)

    let isErrorTTY: Bool
    let isOutputTTY: Bool
    /// stderr is the journal's: lines get a priority, no time.
    let isJournal: Bool
    /// The terminal is not `dumb`.
    let isSmart: Bool
    let colorsOutput: Bool
    let colorsError: Bool

    /// stderr is a terminal that understands how to replace a line.
    var isLive: Bool { isErrorTTY && isSmart }

    /// Writes the asked-for result; a disk that is full must not look like success.
    func output(_ text: String) {
        guard let code = write(text, to: STDOUT_FILENO) else { return }
        let isFirst = Self.isOutputLost.withLock { lost in
            defer { lost = true }
            return !lost
        }
        if isFirst {
            message("watcher: cannot write to standard output: \(String(cString: strerror(code)))", priority: 3)
        }
    }

    /// Whether some of the result could not be written.
    static var hasLostOutput: Bool { isOutputLost.withLock { $0 } }

    /// Whether nobody reads standard output any more, so that saying more is of no use.
    static var hasLostReader: Bool { isReaderGone.withLock { $0 } }

    /// Shows a line on the terminal that the next line replaces; cut to the terminal's width.
    func show(transient text: String) {
        var size = winsize()
        let hasSize = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1
        let line = String(text.prefix { !$0.isNewline }.prefix(hasSize ? Int(size.ws_col) - 1 : 79))
        _ = write("\r\u{1b}[K\(line)", to: STDERR_FILENO)
    }

    /// Takes the transient line away.
    func clearTransient() { _ = write("\r\u{1b}[K", to: STDERR_FILENO) }

    /// Writes a line about how things go; `priority` is syslog's (3 error, 4 warning, 6 information).
    func message(_ text: String, priority: Int = 6) {
        _ = write(lines(text, priority: priority), to: STDERR_FILENO)
    }

    /// The text as it is written to stderr: under systemd every line begins with its priority.
    func lines(_ text: String, priority: Int) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let prefix = isJournal ? "<\(priority)>" : ""
        return lines.map { "\(prefix)\($0)\n" }.joined()
    }

    /// Writes all of the text; returns the error's number, except that a reader that went away (EPIPE) is no error.
    private func write(_ text: String, to descriptor: Int32) -> Int32? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Whoever started us made the pipe non-blocking.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            } else if errno != EINTR {
                guard errno == EPIPE else { return errno }
                if descriptor == STDOUT_FILENO { Self.isReaderGone.withLock { $0 = true } }
                return nil
            }
        }
        return nil
    }
}

extension Terminal {
    /// The process's own streams.
    init(color: ColorMode, environment: [String: String]) {
        isErrorTTY = isatty(STDERR_FILENO) == 1
        isOutputTTY = isatty(STDOUT_FILENO) == 1
        isJournal = Terminal.isJournal(environment["JOURNAL_STREAM"])
        isSmart = environment["TERM"].map { $0 != "dumb" && !$0.isEmpty } ?? false
        let isWanted = color == .auto && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        colorsOutput = color == .always || isWanted && isOutputTTY
        colorsError = color == .always || isWanted && isErrorTTY
    }

    /// `JOURNAL_STREAM` holds the device and inode of the stream systemd connected to the journal.
    private static func isJournal(_ stream: String?) -> Bool {
        guard let parts = stream?.split(separator: ":"), parts.count == 2 else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return parts[0] == "\(status.st_dev)" && parts[1] == "\(status.st_ino)"
    }
}

extension String {
    /// The text without control characters and without marks that change the direction of writing, for what comes from
    /// outside; line ends and tabs stay.
    var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.filter { scalar in
                    scalar == "\n" || scalar == "\t"
                        || !(scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
                            || scalar.properties.isBidiControl)
                }))
    }

    /// In an ANSI colour when `isOn`.
    func colored(_ color: Color, _ isOn: Bool) -> String { isOn ? "\u{1b}[\(color.rawValue)m\(self)\u{1b}[0m" : self }

    enum Color: Int { case bold = 1, dim = 2, red = 31, green = 32, yellow = 33, blue = 34, magenta = 35, cyan = 36 }
}
