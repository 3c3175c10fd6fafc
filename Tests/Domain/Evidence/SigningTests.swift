// Ed25519 and DSSE against their published examples.
import Evidence
import Primitives
import Testing

@Suite struct SigningTests {
    /// RFC 8032 §7.1, test 2.
    @Test func ed25519IsThatOfRFC8032() throws {
        let seed = try #require([UInt8](hex: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
        let key = try #require(SigningKey(seed: seed)).verificationKey
        #expect(key.bytes.hex == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        let signature = try #require(
            [UInt8](
                hex: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                    + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"))
        #expect(key.isValid(signature: signature, over: [0x72]))
        #expect(!key.isValid(signature: signature, over: [0x73]) && !key.isValid(signature: Array(signature.dropLast()), over: [0x72]))
    }

    /// The pre-authentication encoding of secure-systems-lab/dsse, protocol.md.
    @Test func envelopesSignThePublishedEncoding() throws {
        let key = try key(3)
        var envelope = Envelope(payloadType: "http://example.com/HelloWorld", payload: Array("hello world".utf8))
        envelope.sign(with: key)
        let encoding = Array("DSSEv1 29 http://example.com/HelloWorld 11 hello world".utf8)
        #expect(envelope.signatures.count == 1)
        #expect(key.verificationKey.isValid(signature: envelope.signatures[0].sig.bytes, over: encoding))
        #expect(envelope.signers(among: [key.verificationKey]) == [key.verificationKey.id])
    }

    @Test func aSignatureCoversTypeAndPayloadAndOnlyItsKey() throws {
        let mine = try key(3), other = try key(4)
        var envelope = Envelope(payloadType: "a/b", payload: [1, 2, 3])
        envelope.sign(with: mine)
        envelope.sign(with: mine)
        #expect(envelope.signatures.count == 1)
        #expect(envelope.signers(among: [other.verificationKey]).isEmpty)
        for (type, payload) in [("a/c", [1, 2, 3]), ("a/b", [1, 2]), ("a/b 3", [1, 2, 3]), ("", [])] as [(String, [UInt8])] {
            let moved = Envelope(payloadType: type, payload: payload, signatures: envelope.signatures)
            #expect(moved.signers(among: [mine.verificationKey]).isEmpty)
        }
        // A key id is a hint: a false one neither adds a signer nor removes the true one.
        var renamed = envelope
        renamed.signatures[0].keyid = other.verificationKey.id
        #expect(renamed.signers(among: [mine.verificationKey, other.verificationKey]) == [mine.verificationKey.id])
    }
}
