import YAML

/// A volume in short syntax: `[source:]target[:options]`.
struct VolumeSpecification {
    var source: String?
    var target: String?
    var isReadOnly = false
    var noCopy = false
    var propagation: String?
    var selinux: String?
    /// Two characters or less are a bare target, without anything else said.
    private var isBare = false

    init(parsing text: String, at path: ModelPath, location: SourceLocation) throws(ComposeError) {
        func failure(_ message: String) -> ComposeError {
            path.error(.schema, at: location, "invalid volume \"\(text)\": \(message)")
        }
        if text.isEmpty { throw failure("it is empty") }
        if text.utf8.count <= 2 {
            target = text
            isBare = true
            return
        }
        let sections = Self.sections(of: text)
        if sections.contains("") { throw failure("empty section between colons") }
        if sections.count > 3 { throw failure("too many colons") }
        switch sections.count {
        case 1: target = sections[0]
        default: (source, target) = (sections[0], sections[1])
        }
        if sections.count == 3 { readOptions(sections[2]) }
    }

    /// Splits at colons, but not behind a drive letter and not inside `${…}`.
    private static func sections(of text: String) -> [String] {
        var sections: [String] = []
        var section = ""
        var length = 0
        var depth = 0
        var previous: Character = " "
        for character in text {
            let isDrive = length == 1 && section.first?.isLetter == true
            if character == ":" && depth == 0 && !isDrive {
                sections.append(section)
                section = ""
                length = 0
            } else {
                if character == "{" && previous == "$" { depth += 1 }
                if character == "}" && depth > 0 { depth -= 1 }
                section.append(character)
                length += 1
            }
            previous = character
        }
        return sections + [section]
    }

    private mutating func readOptions(_ text: String) {
        for option in text.split(separator: ",") {
            switch option {
            case "ro": isReadOnly = true
            case "rw": isReadOnly = false
            case "nocopy": noCopy = true
            case "rprivate", "private", "rshared", "shared", "rslave", "slave": propagation = String(option)
            case "z", "Z": selinux = String(option)
            default: break
            }
        }
    }

    /// Whether the source is a path rather than the name of a volume.
    var isBind: Bool {
        guard let source, let first = source.first else { return false }
        if [".", "/", "~"].contains(first) || source.hasPrefix("\\\\") { return true }
        return first.isLetter && source.dropFirst().first == ":"
    }

    /// The long syntax.
    func node(at location: SourceLocation) -> YAMLNode {
        func text(_ text: String) -> YAMLNode { .string(text, at: location) }
        var entries: [(String, YAMLNode)] = [("type", text(isBind ? "bind" : "volume"))]
        if let source { entries.append(("source", text(source))) }
        if let target { entries.append(("target", text(CleanPath.cleaned(target)))) }
        if isBare { return .mapping(entries, at: location) }
        if isReadOnly { entries.append(("read_only", .bool(true, at: location))) }
        var bind: [(String, YAMLNode)] = []
        if let propagation { bind.append(("propagation", text(propagation))) }
        if let selinux { bind.append(("selinux", text(selinux))) }
        if isBind { bind.append(("create_host_path", .bool(true, at: location))) }
        if !bind.isEmpty { entries.append(("bind", .mapping(bind, at: location))) }
        if !isBind || noCopy {
            let options = noCopy ? [("nocopy", YAMLNode.bool(true, at: location))] : []
            entries.append(("volume", .mapping(options, at: location)))
        }
        return .mapping(entries, at: location)
    }
}
