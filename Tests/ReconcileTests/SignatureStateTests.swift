import Reconcile
import Testing

@Suite struct SignatureStateTests {
    private let good = SignatureState.verified(Signer(format: .ssh, name: "alice", key: "SHA256:a"))
    private let byTag = SignatureState.verified(Signer(format: .ssh, name: "alice", key: "SHA256:a", tag: "v1"))
    private let unsigned = SignatureState.refused(SignatureFault(.unsigned, "commit aa"))
    private let unsignedTag = SignatureState.refused(SignatureFault(.unsigned, "tag v1"))
    private let badTag = SignatureState.refused(SignatureFault(.bad, "tag v1"))

    @Test func `either the tag or its commit has to be signed`() async {
        #expect(await SignatureState.either(byTag) { unsigned } == byTag)
        #expect(await SignatureState.either(unsignedTag) { good } == good)
        #expect(await SignatureState.either(badTag) { good } == good)
        #expect(await SignatureState.either(unsignedTag) { unsigned } == unsigned)
        #expect(await SignatureState.either(badTag) { unsigned } == badTag)
    }

    @Test(arguments: SignatureFault.Kind.allCases) func `a fault says what is wrong with which object`(
        kind: SignatureFault.Kind
    ) {
        let message = SignatureFault(kind, "commit 0123456789", "because").message
        #expect(message.contains("commit 0123456789") && message.hasSuffix(": because"))
        #expect(!SignatureFault(kind, "commit 0123456789").message.contains(": "))
    }

    @Test func `who signed is said with the key, and with the tag that counted`() {
        #expect(Signer(format: .ssh, name: "alice", key: "SHA256:a").description == "alice (SHA256:a)")
        #expect(
            Signer(format: .ssh, name: "alice", key: "SHA256:a", tag: "v1").description == "alice (SHA256:a), tag v1")
    }
}
