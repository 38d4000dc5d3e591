import Reconcile

/// A commit or annotated tag taken apart: what is signed, and the signature over it, byte for byte.
///
/// Git accepts more than this: of several signature headers it takes all, and what stands around a signature it skips. What
/// Git itself does not write is refused here, so that nobody wonders which of two readings was signed.
struct SignedObject: Sendable, Equatable {
    enum Format: Sendable, Equatable { case ssh, openpgp }

    /// How large a commit or tag may be.
    static let mostBytes = 4 << 20

    var format: Format
    var payload: [UInt8]
    var signature: [UInt8]
    /// When it was made by what it says itself, in seconds since 1970.
    var time: Int

    /// - Parameter object: how the commit is called in a fault.
    init(commit bytes: [UInt8], called object: String) throws(SignatureFault) {
        let (lines, body) = try Self.header(bytes, object)
        var payload: [UInt8] = []
        var signatures: [[UInt8]] = []
        var isInside = false
        for line in lines {
            if isInside, line.first == UInt8(ascii: " ") {
                signatures[signatures.count - 1] += line.dropFirst() + [Self.newline]
                continue
            }
            isInside = line.starts(with: Array("gpgsig ".utf8))
            if isInside {
                signatures.append(line.dropFirst("gpgsig ".utf8.count) + [Self.newline])
            } else if line.starts(with: Array("gpgsig".utf8)) {
                throw SignatureFault(.malformed, object, "it has a header `\(Self.word(line))`")
            } else {
                payload += line + [Self.newline]
            }
        }
        guard let signature = signatures.first else { throw SignatureFault(.unsigned, object) }
        guard signatures.count == 1 else {
            throw SignatureFault(.malformed, object, "it has \(signatures.count) headers `gpgsig`")
        }
        let time = try Self.time("committer", lines, object)
        self.init(
            format: try Self.format(signature, object), payload: payload + body, signature: signature, time: time)
    }

    /// - Parameter object: how the tag is called in a fault.
    init(tag bytes: [UInt8], called object: String) throws(SignatureFault) {
        let (lines, _) = try Self.header(bytes, object)
        if let line = lines.first(where: { $0.starts(with: Array("gpgsig".utf8)) }) {
            throw SignatureFault(.malformed, object, "it has a header `\(Self.word(line))`")
        }
        let starts = Self.marks.flatMap { Self.lineStarts(of: $0.begin, in: bytes) }
        guard let start = starts.first else { throw SignatureFault(.unsigned, object) }
        guard starts.count == 1 else { throw SignatureFault(.malformed, object, "it has several signatures") }
        let signature = Array(bytes[start...])
        let time = try Self.time("tagger", lines, object)
        self.init(
            format: try Self.format(signature, object), payload: Array(bytes[..<start]), signature: signature,
            time: time)
    }

    private init(format: Format, payload: [UInt8], signature: [UInt8], time: Int) {
        self.format = format
        self.payload = payload
        self.signature = signature
        self.time = time
    }

    // MARK: - Reading

    private static let newline = UInt8(ascii: "\n")

    private static let marks = [
        (format: Format.ssh, begin: "-----BEGIN SSH SIGNATURE-----", end: "-----END SSH SIGNATURE-----"),
        (format: Format.openpgp, begin: "-----BEGIN PGP SIGNATURE-----", end: "-----END PGP SIGNATURE-----"),
    ]

    /// The lines before the first empty one, and what follows them, with that one.
    private static func header(
        _ bytes: [UInt8], _ object: String
    ) throws(SignatureFault) -> (lines: [[UInt8]], body: [UInt8]) {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: newline), end > rest.startIndex {
            let line = Array(rest[..<end])
            guard !line.contains(0) else { throw SignatureFault(.malformed, object, "its header holds a NUL") }
            lines.append(line)
            rest = rest[(end + 1)...]
        }
        guard rest.isEmpty || rest.first == newline else {
            throw SignatureFault(.malformed, object, "its header does not end")
        }
        return (lines, Array(rest))
    }

    /// The value of the only header line of that name.
    static func value(_ name: String, _ lines: [[UInt8]]) -> String? {
        let prefix = Array("\(name) ".utf8)
        let found = lines.filter { $0.starts(with: prefix) }
        guard found.count == 1, let line = found.first else { return nil }
        return String(decoding: line.dropFirst(prefix.count), as: UTF8.self)
    }

    /// `committer Alice <alice@example.com> 1700000000 +0100`
    private static func time(
        _ name: String, _ lines: [[UInt8]], _ object: String
    ) throws(SignatureFault) -> Int {
        let words = value(name, lines)?.split(separator: ">", omittingEmptySubsequences: false).last?
            .split(separator: " ")
        guard let seconds = words?.first.flatMap({ Int($0) }), seconds >= 0 else {
            throw SignatureFault(.malformed, object, "it does not say when it was made")
        }
        return seconds
    }

    /// The format of exactly one signature, with nothing before and after it.
    private static func format(_ signature: [UInt8], _ object: String) throws(SignatureFault) -> Format {
        let text = String(decoding: signature, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let mark = marks.first(where: { $0.begin == lines.first }) else {
            let isOther = text.hasPrefix("-----BEGIN ")
            throw isOther
                ? SignatureFault(
                    .unsuitable, object, "it is no SSH or OpenPGP signature (\(lines.first ?? ""))",
                    advice: "Sign with `gpg.format` `ssh` or `openpgp`.")
                : SignatureFault(.malformed, object, "its header `gpgsig` holds no signature")
        }
        guard let end = lines.firstIndex(of: mark.end), lines[(end + 1)...].allSatisfy(\.isEmpty),
            lines.count - end <= 3
        else { throw SignatureFault(.malformed, object, "something follows its signature, or its end is missing") }
        return mark.format
    }

    /// Where lines begin that start with the text.
    private static func lineStarts(of text: String, in bytes: [UInt8]) -> [Int] {
        let mark = Array(text.utf8)
        return bytes.indices.filter { index in
            (index == 0 || bytes[index - 1] == newline) && bytes[index...].starts(with: mark)
        }
    }

    private static func word(_ line: [UInt8]) -> String {
        String(decoding: line.prefix { $0 != UInt8(ascii: " ") }.prefix(40), as: UTF8.self)
            .withoutControlCharacters(keepingLines: false)
    }
}

/// What the header of an annotated tag says.
struct TagHeader: Equatable {
    var object: String
    var type: String
    var name: String

    /// Nil when it does not say each of it once.
    init?(_ bytes: [UInt8]) {
        let end =
            bytes.indices.first { bytes[$0] == 10 && $0 + 1 < bytes.count && bytes[$0 + 1] == 10 } ?? bytes.endIndex
        let lines = bytes[..<end].split(separator: 10).map(Array.init)
        guard let object = SignedObject.value("object", lines), let type = SignedObject.value("type", lines),
            let name = SignedObject.value("tag", lines)
        else { return nil }
        (self.object, self.type, self.name) = (object, type, name)
    }
}
