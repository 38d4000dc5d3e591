extension String {
    /// The text with what may be secret removed from every URL in it: `user:password@`, and what follows a `?`.
    ///
    /// A password that is not encoded may hold a slash; then everything before the last `@` is removed.
    package var withoutUserinfo: String {
        var result = ""
        var rest = self[...]
        while let mark = rest.firstRange(of: "://") {
            result += rest[..<mark.upperBound]
            rest = rest[mark.upperBound...]
            let end = rest.firstIndex { $0.isWhitespace || "\"<>`“”".contains($0) } ?? rest.endIndex
            result += Self.withoutSecrets(rest[..<end])
            rest = rest[end...]
        }
        return result + rest
    }

    /// What follows `://`.
    private static func withoutSecrets(_ text: Substring) -> String {
        var url = text
        let slash = url.firstIndex { "/?#".contains($0) } ?? url.endIndex
        let authority = url[..<slash]
        if let at = authority.lastIndex(of: "@") {
            url = url[url.index(after: at)...]
        } else if let colon = authority.lastIndex(of: ":"), !authority.hasPrefix("["),
            !authority[authority.index(after: colon)...].prefix(while: { $0 != "'" }).allSatisfy(\.isNumber),
            let at = url.lastIndex(of: "@")
        {
            url = url[url.index(after: at)...]
        }
        guard let query = url.firstIndex(of: "?") else { return String(url) }
        let closing = url[query...].reversed().prefix { "'),.;:".contains($0) }
        return url[..<query] + "?…" + String(closing.reversed())
    }
}
