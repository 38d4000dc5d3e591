extension ConfigHash {
    /// Whether a container with this hash label counts as up to date: the label of any Compose generation does.
    ///
    /// The other parameters are those of `label(of:references:flavour:)`.
    package static func accepts(_ hash: String?, of service: Service, references: [String: String]) -> Bool {
        Flavour.allCases.contains { label(of: service, references: references, flavour: $0) == hash }
    }

    /// Whether a network with this hash label counts as made from this definition.
    package static func accepts(_ hash: String?, of network: Network) -> Bool {
        Flavour.allCases.contains { ofNetwork(network, flavour: $0) == hash }
    }

    /// Whether a volume with this hash label counts as made from this definition.
    package static func accepts(_ hash: String?, of volume: Volume) -> Bool {
        Flavour.allCases.contains { ofVolume(volume, flavour: $0) == hash }
    }
}
