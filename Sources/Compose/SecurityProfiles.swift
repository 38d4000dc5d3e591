import YAML

extension Project {
    /// The project with the texts of the seccomp profiles that its enabled services name, so that whoever creates their
    /// containers needs no file.
    ///
    /// - Throws: `ComposeError` with every profile that cannot be read, or is not JSON; paths without places.
    package func resolvingSecurityProfiles(files: FileAccess) throws(ComposeError) -> Project {
        var project = self
        var problems: [ComposeError.Problem] = []
        for service in services.values.sorted(by: { $0.name < $1.name }) {
            for (index, option) in service.securityOpt.enumerated() {
                guard let path = seccompProfile(option) else { continue }
                func report(_ message: String) {
                    problems.append(
                        .init(.file, at: nil, path: "services.\(service.name).security_opt[\(index)]", message))
                }
                do {
                    let text = String(decoding: try files.read(path), as: UTF8.self)
                    if let problem = JSONText.problem(of: text) {
                        report("the seccomp profile \(path) is not valid JSON: \(problem)")
                    } else {
                        project.seccompProfiles[path] = JSONText.compact(text)
                    }
                } catch {
                    report("seccomp profile: \(LoadSession.message(of: error, path: path))")
                }
            }
        }
        guard problems.isEmpty else { throw ComposeError(problems) }
        return project
    }

    /// The absolute path of the profile that a security option names; nil when it names none.
    package func seccompProfile(_ option: String) -> String? {
        for prefix in ["seccomp=", "seccomp:"] where option.hasPrefix(prefix) {
            let value = String(option.dropFirst(prefix.count))
            if value == "unconfined" || value == "builtin" { return nil }
            return CleanPath.absolute(value, in: workingDirectory)
        }
        return nil
    }

    /// The texts of the profiles of one service, by the option that names them.
    package func seccompProfiles(of service: Service) -> [String: String] {
        var texts: [String: String] = [:]
        for option in service.securityOpt { texts[option] = seccompProfile(option).flatMap { seccompProfiles[$0] } }
        return texts
    }

    /// Profiles whose text the model does not have: no container can be made with them.
    package func seccompProblems() -> [ComposeError.Problem] {
        services.values.sorted { $0.name < $1.name }.flatMap { service in
            service.securityOpt.enumerated().compactMap { index, option in
                guard let path = seccompProfile(option), seccompProfiles[path] == nil else { return nil }
                return ComposeError.Problem(
                    .file, at: nil, path: "services.\(service.name).security_opt[\(index)]",
                    "the seccomp profile \(path) was not read")
            }
        }
    }
}

/// Just enough of JSON to tell whether a text is some, and to write it without white space.
enum JSONText {
    private static let deepest = 100

    /// What is wrong with the text as one JSON object; nil for nothing.
    static func problem(of text: String) -> String? {
        var scanner = Scanner(bytes: Array(text.utf8))
        scanner.skipSpace()
        guard scanner.peek == UInt8(ascii: "{") else { return "expected an object" }
        guard scanner.value(depth: 0) else { return scanner.place }
        scanner.skipSpace()
        return scanner.isAtEnd ? nil : scanner.place
    }

    /// The text without white space between its tokens.
    static func compact(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var isInString = false
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if scalar == "\\" {
                    isEscaped = true
                } else if scalar == "\"" {
                    isInString = false
                }
                result.append(scalar)
            } else if !" \t\r\n".unicodeScalars.contains(scalar) {
                isInString = scalar == "\""
                result.append(scalar)
            }
        }
        return String(result)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var index = 0

        var isAtEnd: Bool { index >= bytes.count }
        var peek: UInt8? { isAtEnd ? nil : bytes[index] }

        /// `unexpected text in line 3, column 7`
        var place: String {
            let before = bytes.prefix(index)
            let line = before.count { $0 == 0x0A } + 1
            let column = index - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
            return (isAtEnd ? "unexpected end" : "unexpected text") + " in line \(line), column \(column)"
        }

        mutating func skipSpace() { while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 } }

        mutating func skip(_ text: StaticString) -> Bool {
            let wanted = text.withUTF8Buffer { Array($0) }
            guard bytes[index...].starts(with: wanted) else { return false }
            index += wanted.count
            return true
        }

        mutating func value(depth: Int) -> Bool {
            skipSpace()
            guard depth < JSONText.deepest, let byte = peek else { return false }
            switch byte {
            case UInt8(ascii: "{"):
                return list(until: "}", depth) { $0.string() && $0.colon() && $0.value(depth: depth + 1) }
            case UInt8(ascii: "["): return list(until: "]", depth) { $0.value(depth: depth + 1) }
            case UInt8(ascii: "\""): return string()
            case UInt8(ascii: "t"): return skip("true")
            case UInt8(ascii: "f"): return skip("false")
            case UInt8(ascii: "n"): return skip("null")
            default: return number()
            }
        }

        private mutating func colon() -> Bool {
            skipSpace()
            return skip(":")
        }

        private mutating func list(until end: StaticString, _ depth: Int, _ element: (inout Scanner) -> Bool) -> Bool {
            index += 1
            skipSpace()
            if skip(end) { return true }
            while true {
                skipSpace()
                guard element(&self) else { return false }
                skipSpace()
                if skip(end) { return true }
                guard skip(",") else { return false }
            }
        }

        private mutating func string() -> Bool {
            guard skip("\"") else { return false }
            while let byte = peek, byte >= 0x20 {
                index += byte == UInt8(ascii: "\\") ? 2 : 1
                if byte == UInt8(ascii: "\"") { return true }
            }
            return false
        }

        private mutating func number() -> Bool {
            let start = index
            while let byte = peek, byte.isASCIIDigit || "+-.eE".utf8.contains(byte) { index += 1 }
            return Double(String(decoding: bytes[start..<index], as: UTF8.self)) != nil
        }
    }
}
