/// Splits a command line into words as docker compose does, which is not what a shell does: no operator is run, the
/// first unquoted one ends the command.
struct ShellWords {
    private var words: [String] = []
    private var word = String.UnicodeScalarView()
    private var hasWord = false
    private var isEscaped = false
    private var inSingleQuotes = false
    private var inDoubleQuotes = false
    private var inBackquotes = false
    private var inSubstitution = false

    private struct Unbalanced: Error {}

    private var inQuotes: Bool { inSingleQuotes || inDoubleQuotes }
    private var isOpen: Bool { inQuotes || inBackquotes || inSubstitution }

    /// The words; nil when a quote, a parenthesis or a backslash is left open or a bare parenthesis occurs.
    static func split(_ line: String) -> [String]? {
        var splitter = ShellWords()
        do {
            for scalar in line.unicodeScalars {
                guard try splitter.take(scalar) else { break }
            }
        } catch {
            return nil
        }
        splitter.endWord()
        return splitter.isEscaped || splitter.isOpen ? nil : splitter.words
    }

    private mutating func endWord() {
        if hasWord { words.append(String(word)) }
        word = .init()
        hasWord = false
    }

    private mutating func add(_ scalar: Unicode.Scalar) {
        word.append(scalar)
        hasWord = true
    }

    /// False when the command ends here.
    private mutating func take(_ scalar: Unicode.Scalar) throws -> Bool {
        if isEscaped {
            isEscaped = false
            add(scalar)
            return true
        }
        switch scalar {
        case "\\" where !inSingleQuotes:
            isEscaped = true
        case " ", "\t", "\r", "\n":
            if isOpen { word.append(scalar) } else if hasWord { endWord() }
        case "\"" where !inSingleQuotes && !inSubstitution:
            if inDoubleQuotes { hasWord = true }
            inDoubleQuotes.toggle()
        case "'" where !inDoubleQuotes && !inSubstitution:
            if inSingleQuotes { hasWord = true }
            inSingleQuotes.toggle()
        case "`":
            if !inQuotes && !inSubstitution { inBackquotes.toggle() }
            add(scalar)
        case ")":
            if !inQuotes && !inBackquotes { inSubstitution.toggle() }
            add(scalar)
        case "(" where !inQuotes && !inBackquotes:
            guard !inSubstitution, word.last == "$" else { throw Unbalanced() }
            inSubstitution = true
            word.append(scalar)
        case ";" where !isOpen, "&" where !isOpen, "|" where !isOpen, "<" where !isOpen:
            return false
        case ">" where !isOpen:
            // A digit before `>` names a file descriptor and is no word.
            if let first = word.first, first >= "0" && first <= "9" { hasWord = false }
            return false
        default:
            add(scalar)
        }
        return true
    }
}
