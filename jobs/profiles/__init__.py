"""Who is who: identifiers, customer ids, golden records, contact points and consent."""
