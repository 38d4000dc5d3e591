extension String {
    /// The text without terminal escape sequences, control characters (except tab and newline) and characters that
    /// reverse the direction of writing.
    package func strippingControlCharacters() -> String {
        // Most lines are plain, and there may be millions of them.
        if utf8.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x09 || $0 == 0x0A }) { return self }
        var result = String.UnicodeScalarView()
        var rest = Substring(self).unicodeScalars
        while let scalar = rest.popFirst() {
            switch scalar.value {
            case 0x1B: Self.skipEscapeSequence(&rest)
            case 0x9B: Self.skipControlSequence(&rest)
            case 0x09, 0x0A: result.append(scalar)
            case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069: continue
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    private static func skipEscapeSequence(_ rest: inout Substring.UnicodeScalarView) {
        guard let next = rest.popFirst() else { return }
        switch next {
        case "[": skipControlSequence(&rest)
        case "]", "P", "X", "^", "_":  // an operating system command or a string, up to BEL or ESC \
            while let scalar = rest.popFirst() {
                if scalar.value == 0x07 || scalar.value == 0x9C { return }
                if scalar.value == 0x1B {
                    _ = rest.popFirst()
                    return
                }
            }
        case "(", ")", "#", " ", "%": _ = rest.popFirst()
        default: return
        }
    }

    /// Parameters and intermediates, then one final character.
    private static func skipControlSequence(_ rest: inout Substring.UnicodeScalarView) {
        while let scalar = rest.first, (0x20...0x3F).contains(scalar.value) { rest.removeFirst() }
        if let scalar = rest.first, (0x40...0x7E).contains(scalar.value) { rest.removeFirst() }
    }
}

extension String {
    /// The text with the engine's ids of 64 digits cut to 12, as it shows them itself. The digest of a reference
    /// (`nginx@sha256:…`) stays: no part of it can be used.
    func shorteningIDs() -> String {
        guard utf8.count >= 64 else { return self }
        return replacing(/(@?)(sha256:)?\b([0-9a-f]{64})\b/) { match in
            match.1.isEmpty ? "\(match.2 ?? "")\(match.3.prefix(12))" : String(match.0)
        }
    }
}
