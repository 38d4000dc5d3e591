/// An attribute that differs between two versions of a service.
package struct AttributeChange: Sendable, Hashable {
    package enum Kind: Sendable { case added, removed, changed }

    /// As in the Compose file: `stop_grace_period`.
    package var name: String
    /// Whether it counts in the config hash, so that the change recreates containers.
    package var isHashed: Bool
    package var kind: Kind
}

extension Service {
    /// What differs in the other version, in the order of the attribute table.
    package func changes(to other: Service) -> [AttributeChange] {
        Self.shape.attributes.compactMap { attribute in
            let hash = Rendition.hash(.v2, .created)
            let isHashed = attribute.isPresent(in: hash)
            guard isHashed || attribute.isPresent(in: .yaml) else { return nil }
            let rendition = isHashed ? hash : .yaml
            let (old, new) = (attribute.write(self, rendition), attribute.write(other, rendition))
            guard old != new else { return nil }
            return AttributeChange(
                name: attribute.name, isHashed: isHashed, kind: old == nil ? .added : new == nil ? .removed : .changed)
        }
    }
}
