import Testing

@testable import DockerEngine

@Suite struct LogDemultiplexerTests {
    private func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
        [stream, 0, 0, 0, 0, 0, UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 255)] + Array(text.utf8)
    }

    @Test(arguments: 1...20)
    func `frames are put together wherever the stream is cut`(_ size: Int) {
        let bytes = frame(1, "one\ntw") + frame(2, "err\r\n") + frame(1, "o\n") + frame(1, "") + frame(1, "end")
        var demultiplexer = LogDemultiplexer(isRaw: false)
        var lines: [LogLine] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            lines += demultiplexer.lines(in: bytes[start..<min(start + size, bytes.count)])
        }
        lines += demultiplexer.rest()
        #expect(
            lines == [
                LogLine(stream: .stdout, text: "one"), LogLine(stream: .stderr, text: "err"),
                LogLine(stream: .stdout, text: "two"), LogLine(stream: .stdout, text: "end"),
            ])
    }

    @Test func `a terminal's output has no frames`() {
        var demultiplexer = LogDemultiplexer(isRaw: true)
        #expect(demultiplexer.lines(in: Array("a\r\nb".utf8)) == [LogLine(stream: .stdout, text: "a")])
        #expect(demultiplexer.rest() == [LogLine(stream: .stdout, text: "b")])
    }

    @Test func `a line without an end is cut`() {
        var splitter = LineSplitter(longest: 4)
        #expect(splitter.lines(in: Array("abcdefgh".utf8)).count == 2)
    }

    @Test(arguments: [
        ("\u{1B}[31mred\u{1B}[0m", "red"), ("a\u{1B}]0;title\u{07}b", "ab"), ("a\u{1B}]8;;x\u{1B}\\b", "ab"),
        ("bell\u{07}\u{08}", "bell"), ("tab\tstays", "tab\tstays"), ("\u{9B}2Jx", "x"), ("evil\u{202E}txt", "eviltxt"),
        ("über – ok", "über – ok"), ("\u{1B}", ""),
    ])
    func `control characters do not get through`(_ text: String, _ clean: String) {
        #expect(text.strippingControlCharacters() == clean)
    }
}
