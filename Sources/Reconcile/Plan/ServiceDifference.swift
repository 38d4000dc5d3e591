import Compose

/// Says in Compose's own words what differs between two versions of a service.
enum ServiceDifference {
    /// Attributes that Compose leaves out of the config hash: changing them recreates nothing.
    private static let unhashed: Set<String> = [
        "name", "build", "pullPolicy", "scale", "dependsOn", "profiles", "extensions",
    ]

    /// One cause an attribute: `image nginx:1.25 → 1.27`, `environment FOO changed`, `ports changed`. Values of variables
    /// are never told.
    static func causes(from old: Service, to new: Service) -> [Plan.Cause] {
        zip(Mirror(reflecting: old).children, Mirror(reflecting: new).children).compactMap { before, after in
            guard let label = before.label, !unhashed.contains(label), !equal(before.value, after.value) else {
                return nil
            }
            return Plan.Cause(phrase(label, old, new), field: composeName(label))
        }
    }

    private static func phrase(_ label: String, _ old: Service, _ new: Service) -> String {
        switch label {
        case "image": "image \(old.image ?? "(built)") → \(newImage(old.image, new.image))"
        case "environment": "environment \(changedKeys(old.environment, new.environment)) changed"
        case "labels": "labels \(changedKeys(old.labels, new.labels)) changed"
        default: "\(composeName(label)) changed"
        }
    }

    /// Of a reference that differs from the old one only in its tag, the tag.
    private static func newImage(_ old: String?, _ new: String?) -> String {
        guard let new else { return "(built)" }
        guard let old, let colon = new.lastIndex(of: ":"), !new.contains("@"), !old.contains("@"),
            case let name = new[..<colon], !new[colon...].contains("/"),
            old.hasPrefix(name + ":"), !old.dropFirst(name.count + 1).contains("/")
        else { return new }
        return String(new[new.index(after: colon)...])
    }

    private static func equal(_ one: Any, _ other: Any) -> Bool {
        func same<Value: Equatable>(_ one: Value, _ other: any Equatable) -> Bool { one == other as? Value }
        return switch (one as? any Equatable, other as? any Equatable) {
        case (nil, nil): true
        case (let one?, let other?): same(one, other)
        default: false
        }
    }

    private static func changedKeys<Value: Equatable>(_ old: [String: Value], _ new: [String: Value]) -> String {
        Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted().joined(separator: ", ")
    }

    /// A capital begins a word after a small letter, or before one: `cpuRTPeriod` → `cpu_rt_period`.
    private static func snakeCase(_ label: [Character]) -> String {
        label.indices.reduce(into: "") { name, index in
            let next = index + 1 < label.count && label[index + 1].isLowercase
            if label[index].isUppercase, label[index - 1].isLowercase || next { name += "_" }
            name += label[index].lowercased()
        }
    }

    /// `stopGracePeriod` → `stop_grace_period`.
    private static func composeName(_ label: String) -> String {
        switch label {
        case "initProcess": "init"
        case "envFiles": "env_file"
        case "labelFiles": "label_file"
        default:
            snakeCase(Array(label))
        }
    }
}
