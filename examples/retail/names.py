"""Words that invented people and places are made of."""

from __future__ import annotations


def _list(text: str) -> list[str]:
    """Words between commas."""
    return [" ".join(word.split()) for word in text.split(",")]


WOMEN = _list(
    """
    Maria, Anna, Johanna, Elisabeth, Cornelia, Wilhelmina, Hendrika, Catharina, Margaretha, Petronella, Emma,
    Julia, Sophie, Lisa, Eva, Sanne, Anouk, Fleur, Lotte, Iris, Femke, Marieke, Ingrid, Monique, Esther, Linda,
    Sandra, Saskia, Mirjam, Annemarie, Yvonne, Astrid, Tineke, Geertje, Willemijn, Roos, Noa, Zoë, Chloë, Renée,
    Danique, Kim, Naomi, Fatima, Samira, Aisha, Esra, Priya, Agnieszka
    """
)
MEN = _list(
    """
    Johannes, Jan, Cornelis, Hendrik, Willem, Petrus, Gerardus, Jacobus, Antonius, Franciscus, Daan, Sem, Lucas,
    Levi, Finn, Thomas, Jeroen, Martijn, Bas, Sander, Ruben, Tim, Mark, Dennis, Michiel, Robbert, Frank, Erik,
    Peter, Paul, Hans, Kees, Henk, Piet, André, René, Jérôme, Theodorus, Nicolaas, Alexander, Christiaan, Maarten,
    Wouter, Mohamed, Ahmed, Youssef, Mehmet, Ravi, Piotr, David
    """
)
NICKNAMES = {
    "Johanna": ["Jo", "Hanna", "Joke"],
    "Elisabeth": ["Els", "Liesbeth", "Betty"],
    "Cornelia": ["Corrie", "Nel"],
    "Wilhelmina": ["Willy", "Mina"],
    "Hendrika": ["Rika", "Henny"],
    "Catharina": ["Trijntje", "Karin", "Toos"],
    "Margaretha": ["Greet", "Marga"],
    "Petronella": ["Nel", "Petra"],
    "Annemarie": ["Anne", "Annemiek"],
    "Willemijn": ["Mijntje", "Willy"],
    "Maria": ["Ria", "Mieke", "Marie"],
    "Marieke": ["Riek"],
    "Johannes": ["Jan", "Hans", "Joop"],
    "Cornelis": ["Kees", "Cor"],
    "Hendrik": ["Henk", "Hein"],
    "Willem": ["Wim", "Pim"],
    "Petrus": ["Piet", "Peter"],
    "Gerardus": ["Gerard", "Gert"],
    "Jacobus": ["Jaap", "Koos"],
    "Antonius": ["Ton", "Toon"],
    "Franciscus": ["Frans", "Frank"],
    "Theodorus": ["Theo", "Dirk"],
    "Nicolaas": ["Nico", "Klaas"],
    "Alexander": ["Alex", "Sander"],
    "Christiaan": ["Chris"],
    "Thomas": ["Tom"],
    "Robbert": ["Rob"],
    "Michiel": ["Giel"],
}
FAMILIES = _list(
    """
    Jansen, de Jong, de Vries, van den Berg, van Dijk, Bakker, Janssen, Visser, Smit, Meijer, de Boer, Mulder, de
    Groot, Bos, Vos, Peters, Hendriks, van Leeuwen, Dekker, Brouwer, de Wit, Dijkstra, Smits, de Graaf, van der
    Meer, van der Linden, Kok, Jacobs, de Haan, Vermeulen, van den Heuvel, van der Veen, van den Broek, de Bruijn,
    de Bruin, van der Heijden, Schouten, van Beek, Willems, van Vliet, van de Ven, Hoekstra, Maas, Verhoeven,
    Koster, van Dam, van der Wal, Prins, Blom, Huisman, Peeters, de Jonge, Kuipers, van Veen, Post, Kuiper,
    Veenstra, Kramer, van den Brink, Scholten, van Wijk, Postma, Martens, Vink, de Ruiter, Timmermans, Groen,
    Gerritsen, Jonker, van Loon, Boer, van der Velde, Willemsen, Bosch, van den Bosch, de Lange, van Doorn,
    Schipper, van der Laan, Evers, Bosman, Hermans, Molenaar, Mol, van Rijn, Hoogendoorn, Ünal, El Amrani, Yılmaz,
    Nguyen, Kowalski, Özdemir, Bouzid, Da Silva, Müller, Verbeek, Sanders, Koning, Schröder, Wolters, van Es,
    Kaya, Boersma
    """
)
STREETS = _list(
    """
    Kerkstraat, Dorpsstraat, Molenstraat, Schoolstraat, Julianastraat, Wilhelminastraat, Beatrixlaan, Nieuwstraat,
    Hoofdstraat, Stationsweg, Parallelweg, Industrieweg, Prins Hendrikstraat, Burgemeester de Raadtsingel,
    Lindelaan, Eikenlaan, Beukenlaan, Kastanjelaan, Berkenhof, Vermeerstraat, Rembrandtlaan, Van Goghstraat,
    Mozartlaan, Zonnebloemstraat, Tulpstraat, Rozenhof, Meidoornlaan, Merelstraat, Nachtegaallaan, Oranjesingel,
    Havenkade, Dijkweg, Polderweg, Kanaalstraat, Marktplein, Weverstraat
    """
)
CITIES = (
    ("Amsterdam", 1011, 1109),
    ("Haarlem", 2011, 2037),
    ("Leiden", 2311, 2334),
    ("Den Haag", 2491, 2597),
    ("Delft", 2611, 2629),
    ("Rotterdam", 3011, 3089),
    ("Dordrecht", 3311, 3329),
    ("Utrecht", 3511, 3585),
    ("Amersfoort", 3811, 3829),
    ("Breda", 4811, 4839),
    ("Tilburg", 5011, 5049),
    ("'s-Hertogenbosch", 5211, 5237),
    ("Eindhoven", 5611, 5658),
    ("Maastricht", 6211, 6229),
    ("Nijmegen", 6511, 6546),
    ("Arnhem", 6811, 6846),
    ("Apeldoorn", 7311, 7339),
    ("Enschede", 7511, 7548),
    ("Zwolle", 8011, 8043),
    ("Groningen", 9711, 9747),
)
MAIL_HOSTS = ("gmeel.example", "hotmeel.example", "ziggy.example", "kpmail.example", "post.example", "thuis.example")
"""Below the reserved top-level domain `example`, so no message can reach anybody."""
JUNK_EMAIL = "test@test.com"
JUNK_PHONES = ("0000000000", "0612345678")
