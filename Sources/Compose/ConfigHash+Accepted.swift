extension ConfigHash {
    /// The hash labels with which a container counts as up to date: those of every Compose generation.
    ///
    /// The parameters are those of `label(of:references:flavour:)`.
    package static func accepted(_ service: Service, references: [String: String]) -> Set<String> {
        Set(Flavour.allCases.map { label(of: service, references: references, flavour: $0) })
    }

    /// The hash labels with which a network counts as made from this definition.
    package static func accepted(_ network: Network) -> Set<String> {
        Set(Flavour.allCases.map { ofNetwork(network, flavour: $0) })
    }

    /// The hash labels with which a volume counts as made from this definition.
    package static func accepted(_ volume: Volume) -> Set<String> {
        Set(Flavour.allCases.map { ofVolume(volume, flavour: $0) })
    }
}
