import Compose

extension UndoPlanner {
    /// The ids of images that references named before the attempt: with them the engine says whether those are still there.
    package static func imagesToObserve(_ before: ObservedState) -> [String] {
        Set(before.images.values.map(\.id)).sorted()
    }

    /// References name again what they named before the attempt built or pulled another image, so that others who make
    /// containers of the project make the same. One that named nothing before names nothing again where it was built. Trouble
    /// here does not make the undo fail: it is cleanup.
    mutating func restoreTags() {
        let made = builder.steps.filter { step in if case .remove = step.operation { true } else { false } }.map(\.id)
        let there = Set(observed.images.values.map(\.id)).union(observed.images.keys)
        for (reference, image) in before.images.sorted(by: { $0.key < $1.key }) where ImageReference.isTag(reference) {
            guard observed.images[reference]?.id != image.id, there.contains(image.id) else { continue }
            builder.note("image", reference, .rename, ["it named another image before"])
            builder.add(
                .tagImage(id: image.id, reference: reference), cause: "it named this image before", phase: .cleanup)
        }
        let built = attempted.services.values.filter { $0.build != nil }.map { $0.imageName(in: attempted) }
        for reference in Set(built).sorted() where before.images[reference] == nil && ImageReference.isTag(reference) {
            guard let image = observed.images[reference], !isKept(image) else { continue }
            builder.add(
                .untagImage(reference: reference), cause: "built by the deployment that is undone", after: made,
                phase: .cleanup)
        }
    }

    /// A container that stays uses the image.
    private func isKept(_ image: ObservedState.Image) -> Bool {
        observed.containers.contains { $0.imageID == image.id && !isCreated($0) }
    }
}

extension ImageReference {
    /// The text is a reference with a tag, not an id or a digest.
    fileprivate static func isTag(_ text: String) -> Bool {
        ImageReference(text).map { $0.tag != nil && $0.digest == nil } ?? false
            && !(text.count == 64 && text.allSatisfy(\.isHexDigit))
    }
}
