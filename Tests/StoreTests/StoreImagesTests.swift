import Deploy
import Reconcile
import Store
import Testing

/// Which images watcher brought, and which of them no good deployment of the newest commits needs.
@Suite struct StoreImagesTests {
    let directory: TestDirectory
    let store: Store

    init() throws {
        directory = try TestDirectory()
        store = try Store.open(directory: directory.state)
    }

    /// A deployment of the commit with this digit that ran these images.
    private func save(
        _ number: Int, _ commit: Character, _ images: [String: String], _ status: Deployment.Status = .succeeded,
        project: String = "shop"
    ) async throws {
        var deployment = Deployment.sample(number, status, project: project, commit: .sample(commit))
        deployment.snapshot = .sample()
        deployment.snapshot?.imageIDs = images
        try await store.save(deployment)
    }

    @Test func `images of good deployments of the newest commits are needed, however many deployments that are`()
        async throws
    {
        try await store.remember(["1": "web:1", "2": "web:2", "3": "web:3", "4": "db:1"], of: "shop")
        try await save(1, "a", ["web": "1", "db": "4"])
        try await save(2, "b", ["web": "2"])
        try await save(3, "b", ["web": "2"])
        try await save(4, "c", ["web": "3"], .restored)
        #expect(try await store.unneededImages(of: "shop", keeping: 1) == ["1": "web:1", "3": "web:3", "4": "db:1"])
        #expect(try await store.unneededImages(of: "shop", keeping: 2) == ["3": "web:3"])
        try await store.forget("3", of: "shop")
        #expect(try await store.unneededImages(of: "shop", keeping: 2).isEmpty)
    }

    @Test func `what another project needs is needed, and what it brought is its own`() async throws {
        try await store.remember(["1": "web:1"], of: "shop")
        try await store.remember(["2": "web:2"], of: "blog")
        try await save(1, "a", ["web": "1"], project: "blog")
        #expect(try await store.unneededImages(of: "shop", keeping: 5).isEmpty)
        #expect(try await store.unneededImages(of: "blog", keeping: 5) == ["2": "web:2"])
        #expect(try await store.unneededImages(of: "none", keeping: 5).isEmpty)
    }

    @Test func `the last words of a failed deployment are kept with it`() async throws {
        var failed = Deployment.full(1, .restored)
        failed.service = "web"
        failed.logLines = ["it's", "«over»"]
        try await store.save(failed)
        #expect(try await store.deployment(failed.id) == failed)
        failed.logLines = []
        failed.service = nil
        try await store.save(failed)
        #expect(try await store.deployment(failed.id) == failed)
    }
}
