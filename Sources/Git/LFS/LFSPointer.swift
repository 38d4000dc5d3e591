/// What stands in Git for a file whose content is kept by Git LFS.
struct LFSPointer: Sendable, Hashable, Codable {
    /// A pointer is smaller than this; the specification of its format says so.
    static let sizeLimit = 1024
    private static let versions = ["https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"]

    /// The SHA-256 of the content, 64 lower-case hexadecimal digits.
    let oid: String
    let size: Int

    init(oid: String, size: Int) {
        self.oid = oid
        self.size = size
    }

    /// Reads a pointer; nil for anything else, and for one that needs extensions, which are programs.
    init?(text: String) {
        guard text.utf8.count < Self.sizeLimit else { return nil }
        var fields: [String: String] = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty { continue }
            guard let space = line.firstIndex(of: " ") else { return nil }
            let key = String(line[..<space])
            guard (index == 0) == (key == "version"), ["version", "oid", "size"].contains(key),
                fields.updateValue(String(line[line.index(after: space)...]), forKey: key) == nil
            else { return nil }
        }
        guard let version = fields["version"], Self.versions.contains(version), let oid = fields["oid"],
            oid.hasPrefix("sha256:"), let digits = fields["size"],
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let size = Int(digits)
        else { return nil }
        let hex = oid.dropFirst("sha256:".count)
        guard hex.utf8.count == 64,
            hex.utf8.allSatisfy({
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            })
        else { return nil }
        self.init(oid: String(hex), size: size)
    }
}
