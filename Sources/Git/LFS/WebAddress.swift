/// An `http` or `https` address, taken apart as far as security depends on it.
struct WebAddress: Sendable, Equatable {
    let text: String
    let isEncrypted: Bool
    /// In lower case, with brackets.
    let host: String
    let port: Int

    /// Nil for another scheme, for userinfo, and for what cannot stand in an address.
    init?(_ text: String) {
        guard let mark = text.firstRange(of: "://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x5c })
        else {
            return nil
        }
        switch text[..<mark.lowerBound].lowercased() {
        case "https": isEncrypted = true
        case "http": isEncrypted = false
        default: return nil
        }
        let authority = text[mark.upperBound...].prefix { !"/?#".contains($0) }
        guard !authority.contains("@") else { return nil }
        var host = authority
        var port: Int?
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            host = authority[..<colon]
            guard let number = Int(authority[authority.index(after: colon)...]), (1...65535).contains(number) else {
                return nil
            }
            port = number
        }
        guard !host.isEmpty else { return nil }
        self.host = host.lowercased()
        self.port = port ?? (isEncrypted ? 443 : 80)
        self.text = String(text.prefix { $0 != "#" })
    }

    func hasSameOrigin(as other: WebAddress) -> Bool {
        isEncrypted == other.isEncrypted && host == other.host && port == other.port
    }

    /// Nothing is sent in clear that was encrypted before.
    func isAsSafe(as other: WebAddress) -> Bool { isEncrypted || !other.isEncrypted }

    func appending(_ path: String) -> String {
        let end = text.firstIndex(of: "?") ?? text.endIndex
        var base = String(text[..<end])
        while base.hasSuffix("/") { base.removeLast() }
        return base + path + text[end...]
    }

    /// Where a redirect from here leads.
    func following(_ location: String) -> WebAddress? {
        if location.hasPrefix("//") { return WebAddress((isEncrypted ? "https:" : "http:") + location) }
        guard location.hasPrefix("/") else { return WebAddress(location) }
        return WebAddress("\(isEncrypted ? "https" : "http")://\(host):\(port)\(location)")
    }
}
