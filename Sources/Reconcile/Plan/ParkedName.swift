/// The name of a container that is kept aside until a deployment is verified: its own name, then `.parked-` and the
/// deployment's number. The name alone is enough to put it back when nothing else is known.
package struct ParkedName: Sendable, Hashable, CustomStringConvertible {
    /// The name it had, and gets back.
    package var original: String
    /// The number of the deployment that parked it.
    package var deployment: Int

    package init(original: String, deployment: Int) {
        self.original = original
        self.deployment = deployment
    }

    /// Reads a parked name; nil for every other name.
    package init?(_ name: String) {
        let marker = ".parked-"
        guard let dot = name.lastIndex(of: "."), name[dot...].hasPrefix(marker),
            case let digits = name[name.index(dot, offsetBy: marker.count)...],
            digits.allSatisfy(\.isNumber), let number = Int(digits), number > 0, dot > name.startIndex
        else { return nil }
        self.init(original: String(name[..<dot]), deployment: number)
    }

    package var description: String { "\(original).parked-\(deployment)" }
}

extension ObservedState.Container {
    /// Set when the container is kept aside by a deployment.
    package var parked: ParkedName? { ParkedName(name) }
}
