// A person at the keyboard, known by their key.
import Evidence
import Primitives

/// The owner of a key file, as the trust root knows them.
struct Signer {
    var key: SigningKey
    var person: TrustRoot.Person
    var trust: TrustRoot

    init(key path: String, home: Home) throws {
        trust = try home.trustRoot()
        key = try KeyFiles.signingKey(path)
        let verification = key.verificationKey
        guard let person = trust.people.first(where: { $0.keys.contains(verification) }) else {
            throw Failure.refused("\(path) is the key of nobody in \(home.trust); the people are \(trust.people.map(\.id.text).joined(separator: ", "))")
        }
        self.person = person
    }
}
