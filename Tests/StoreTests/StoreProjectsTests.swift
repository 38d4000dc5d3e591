import Compose
import Deploy
import Foundation
import Reconcile
import Store
import Testing

/// Projects that are recorded, and what an idle run writes.
@Suite struct StoreProjectsTests {
    let directory: TestDirectory
    let store: Store

    init() throws {
        directory = try TestDirectory()
        store = try Store.open(directory: directory.state)
    }

    @Test func `projects that were deployed are listed, wherever they ran`() async throws {
        try await store.save(.sample(1, .invalid, project: "never"))
        var blog = Deployment.full(1, .open)
        blog.id.project = "blog"
        blog.snapshot?.project.name = "weblog"
        try await store.noteEngine("tcp://other:2376", of: "blog")
        try await store.open(blog)
        try await store.save(.full(1, .succeeded))
        let shop = RecordedProject(name: "shop", composeProject: "shop")
        #expect(
            try await store.projects()
                == [RecordedProject(name: "blog", composeProject: "weblog", engine: "tcp://other:2376"), shop])
        try await store.removed("blog")
        #expect(try await store.projects() == [shop])
        try await store.save(blog)
        #expect(try await store.projects().map(\.composeProject) == ["weblog", "shop"])
    }

    @Test func `what is known already is not written again`() async throws {
        var good = Deployment.full(1, .succeeded)
        good.snapshot?.completed = ["migrate"]
        try await store.save(good)
        try await store.advance("shop", to: .sample("c"))
        try await store.observed(.sample("c"), of: "shop", at: 1, accepted: nil)
        try await store.noteEngine("tcp://other:2376", of: "shop")
        func size() throws -> Int {
            try #require(
                try FileManager.default.attributesOfItem(atPath: "\(directory.database)-wal")[.size] as? Int)
        }
        let before = try size()
        try await store.advance("shop", to: .sample("c"))
        try await store.observed(.sample("c"), of: "shop", at: 2, accepted: nil)
        try await store.noteEngine("tcp://other:2376", of: "shop")
        try await store.noteCompleted(["migrate"], of: good.id)
        try await store.append([], to: good.id)
        try await store.remember([:], of: "shop")
        #expect(try size() == before)
        try await store.observed(.sample("d"), of: "shop", at: 2, accepted: nil)
        #expect(try size() > before)
    }
}
