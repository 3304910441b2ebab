"""Given names that are common where the list of `nicknames` (English) does not look: no slips of the pen of each other.

A name that is on a list is that name: Daan is no way to misspell Dana, nor Tim one to misspell Tom. The lists hold no
spellings that only differ in how a sound is written, and no short forms: these are `MORE_NICKNAMES`.
"""

from __future__ import annotations

DUTCH = """
aafke aart abel ada adam adriaan aimee albert alwin amber amy anita anja anke annelies anneloes annemarie annemiek
anouk antje arend ariane arie arjen arno arnold arthur astrid auke aukje axel bas bastiaan beatrijs benthe berend
bernard bert bianca bjorn boaz boris boudewijn bram brigitte britt bruno caitlin carice carla carlijn caroline
casper cecile celine chantal charlotte claudia clemens coen coenraad cor corine daan daphne debora denise dennis
dewi diana diederik dik dina dirk dominique dorien dylan edith edo eduard edwin eefje eelco eline elise elke ella
ellen elske emiel emilie emma ernst erwin esmee esther eugenie eva evelien evert fabian fedde feline felix femke
fenna ferdinand fieke fien finn fleur floor floris fokke frank fred frederik frederique freek froukje gert gertjan
giel gijs gonda guido guus gwen hannah harm harrie hedwig heleen helma herman hessel hidde hilda hilde hubert hugo
huub ilona ilse imke ina inge ingrid irene iris isa isabel isabelle ivo jaap jael janna janneke jannie jarno jasmijn
jasper jelle jelmer jeroen jesper jetske jikke jip job joep joke jolanda jolijn jonas jonathan joost jordi jorik
joris jorn jos josephine josje joyce judith julia julian julien jurjen jurre juul kai karel karlijn karsten kaspar
keetje kevin kim klaas klara koen koert kyra lara lars laura laurens lea leen leendert lena leon leonie leonoor liam
lieke lieselotte lilian linda linde lisanne lisette liv lize loes lonneke loren lotte louis louise luca lucas lucia
lucie ludo luna lydia lynn maaike maarten maartje machteld madelon mandy manon marc marcel marco margot marije
marijke marijn marina marinus mario marjan marjolein marjon marleen marlies marloes marnix martijn martin martine
marvin mathilde mats maud maurice maurits max melanie melissa menno merel merijn mia michiel mick mieke mike mila
milan milou minke mira miranda miriam mirjam mirte mirthe mischa moniek monique nadia nadine naomi natalie natasja
nathan nelleke nick nicky nico nicole niels nienke nina noa noah noor nora nynke odette olaf olga olivia onno oscar
otto pascal patrick paul paula paulien pauline peer pepijn petra philip pien pim pleun puck quinten quirine rachel
ralf ramon raymond rebecca regina reinier remco rene renee renske rianne richard rick rik rineke rinske rob robin
roderik roel roeland roelof rogier roland romy ron ronald roos rosa rosalie rosanne rosemarie rowan roxanne ruben
rudolf rutger ruud sabine sam samantha sander sandra sanne sara saskia sebastiaan sem senna sep siebe siem sien
sietse sigrid silke silvia simon simone sjoerd sofie sonja stan stefan stefanie stella steven stijn susanne suus
suzan sven svenja sybren sylvia tamara tanja tessa teun thijmen thijs thirza thomas tibor tijmen tim timo tineke
tirza tjeerd tobias tom tonie tygo ursula valerie veerle vera victor victoria vincent viola vivian wessel wiebe
wieger wietse willemijn wouter xander yara yasmin yentl yfke ymke yvette yvonne zoe
"""
GERMAN_AND_NORTHERN = """
achim adelheid albrecht alois anders andrea andreas anette anika anke anneliese annika arne arvid astrid barbara
bastian beate bengt benno bernd bertil birgit birgitta birte bjarne bodo britta burkhard carsten christa christel
claus dagmar detlef dieter dietmar dorothea eckhard edeltraud eike elfriede elin elke emil enno erich erika erna
ernst ester eva ewald flemming frauke freya friedrich fritz gabi georg gerd gerda gerhard gerlinde gertrud gisela
greta grete gudrun gunnar gunther gustav hannes harald hartmut heidi heike heiko heinrich heinz helga helge helmut
henning henrik herbert hermann hilde holger horst ida ilka inga ingeborg ingo inken irmgard isolde jannik jette
joachim jochen jorg jorgen juliane jurgen jutta kaja karin karl karla karsten katja katrin kerstin kirsten knut
konrad kristian kurt lasse lennart leopold lina linus lore lorenz lothar ludwig luise lukas magda magnus maike maja
malin malte manfred manuel margit marit markus marlene marta mathias matthias maximilian meike merle mette michael
mikkel mona monika moritz nele niklas nils ole oliver olle olof oskar oswald peer pernille petra pia rainer ralph
reinhard reinhold renate rita rolf ronja rosemarie roswitha rudiger runa rune sabrina sigmund signe sigurd silvia
siv soren stefan steffen sten susanne svea sven tanja thea theodor thorsten tilda tilo tove traute trude ulla ulrich
ulrike ursula ute uwe valentin veit vera verena viktor volker walter waltraud werner wibke wiebke wilfried winfried
wolfgang yannick
"""
ROMANCE = """
adriana agathe agnes alain alba alberto aldo alessandra alessandro alessio alfonso alicia alvaro amandine amelie ana
anais andres angela angelo antoine antonella antonia antonio arnaud aurelie aurora beatrice beatriz benedicta benoit
bruna camila camille candela carlo carlos carlota carmen catarina cedric celeste chiara claire claude clemence
clement colette consuelo corinne cristiana cristiano dario davide delphine diego dolores domenico edgar edoardo
elena eleonora eloise emanuele emilia emilio enrico enzo esteban estelle etienne fabien fabio fabrice federica
federico felipe fernanda fernando filippo flavia florence florian francesca francesco francisca francisco gabriel
gabriela gaetano gaspard genevieve gerard gianluca gilles gina giorgia giorgio giovanna giovanni giulia giulio
giuseppe gonzalo gregoire guillaume guillermo helene henri hugo ignacio ines inmaculada irene isabella isidoro ivan
jacques javier jean jeanne joao joaquin jorge jose josefa juan juana julien juliette julio karim lorena lorenzo luca
lucia luciano luis luisa maelle maite manuel manuela marcello marcelo margarita mariana mario marion marisa marta
mateo matilde matteo mauro maxime mercedes michela michele miguel montserrat natalia nicola nicolas noelia nuria
ofelia olivier oriol pablo paloma paola paolo pascale pedro pierre pilar quentin rafael raquel raul remi remy
ricardo rocio rodrigo romain romane rosario salvatore sandrine santiago sergio silvana simona sofia soledad solene
stephane stephanie susana sylvain tatiana teresa theo thibault tiago tomas umberto valentina valerie vanessa vasco
vicente vincenzo virginie viviana xavier yannick yolanda yves
"""
TURKISH_ARABIC_AND_SOUTHERN = """
abdel abdul achmed adil ahmad aicha aisha alara ali amal amin amina amir amira anass anwar arda asya ayhan ayla ayse
aziz bilal burak cem cemal ceren defne deniz dilara ebru ecrin efe ela elif emine emir emre enes ensar esra eymen
fadila fahad farid farida faruk fatih fatima fatma ferhat fouad furkan gamze gul hafsa hakan halima hamid hamza
hanan hanane hasan hassan hatice hicham hilal houda hussein ibrahim ilham ilias iman imane imran ismail jamal jamila
kadir kaoutar karima kemal kerem khadija khalid laila lale latifa leila malak malika mariam marwa marwan melek
meryem mina mona mouna mourad murat mustafa nabil nadia naima najat nasser nawal nermin nisa nour noura omar osman
ozan rachid rania rashid rayan redouan reza rumeysa sabri said salim salima salma sami samir samira sana sara selim
selin selma semih serkan sevgi sibel sinan soraya sumeya taha tarik tayfun ugur umut usman walid yahya yasin yasmina
youssef yunus yusuf zahra zainab zakaria zeynep zohra
"""
ENGLISH = """
abigail adam alfie alice amelia amy andrew angela archie arthur ashley austin ava bella ben beth brad brandon brian
callum cameron carl carol caroline charles charlie charlotte chloe claire colin connor craig dan darren dave david
dawn dean declan diana donald donna dylan edward eleanor ella emily emma erin ethan evan eve evelyn fay fiona
florence frank fred freya gary gavin gemma george georgia glen grace graham grant greg hannah harry harvey heather
heidi helen henry holly hugh ian isaac isla ivy jack jacob jade jake james jamie jane jason jay jenna jill jim joan
joe joel john josh joshua joy joyce julia june karen kate keith kelly ken kim kyle laura lauren leah leo lewis liam
lily linda lisa logan lola lucas lucy luke lydia maisie mandy mark mary mason matt maureen max megan mia michael
mike millie molly nathan neil nigel noah nora olive oliver olivia oscar owen patrick paul pete peter phil phoebe
poppy rachel ray rebecca rhys rob robin roger ron rory rose rosie ross roy ruby russell ruth ryan sally sam samuel
sandra scott sean shane shaun sid simon stella steve stuart susan ted theo thomas tim tina toby todd tom tony tracy
trevor tyler wade wayne wendy will zoe
"""
EASTERN = """
adrianna agata agnieszka aleksander aleksandra alexei alina anastasia andrej andrzej aneta anton antonina arkadi
artur barbara bartosz beata boguslaw boris bozena branka czeslaw damian danuta daria dariusz dawid dejan denis
dimitri dmitri dorota dragan edyta ekaterina elzbieta emilija eryk ewa filip galina goran grazyna grzegorz halina
hanna helena henryk hubert igor ilona ilya irina ivan ivana iwona izabela jacek jadwiga jakub jana janina janusz
jaroslav jaroslaw jelena jerzy jolanta jovana jozef julita kacper kamil kamila karol karolina katarina katarzyna
kinga klaudia konstantin krystyna krzysztof ksenia larisa leszek lidia ludmila lukasz maciej magdalena maksim
malgorzata marcin marek mariusz marzena mateusz michal mikhail milena milos mirela miroslav monika natalia natasha
nikita nikola nikolai oksana oleg olena olga ondrej oskar paulina pavel pawel petar piotr przemyslaw radek radoslaw
renata robert roman sergei sergey slawomir slobodan sofia stanislav stanislaw svetlana sylwia szymon tadeusz tatjana
teodora tereza tomasz tomek urszula vaclav vadim valentina valeria vera veronika viktor viktoria vladimir vlastimil
wanda wiktor wojciech yana yelena yulia zbigniew zdenek zofia zuzana zuzanna
"""
MORE_THAT_LOOK_LIKE_OTHERS = """
adele alf alfred aline alvin andy anka bailey bauke baukje berta bo brandy brent brett bruce bryce calvin cara carly
cindy clara dale dana danielle danny darla darlene daryl diane dino dirkje dolly donny doris elias elisa eliza elvin
emmy esma esme famke flora flynn gabrielle gino glenn hailey hanka hayden hayley ira isis jaak janka jenny jeremy
jerome jessica josie joud jules juliana julie julius kara kayla kaylee kelvin kenneth kenny kian kiki lacy lana levi
lia liana liane lilly lino lora loris mara marcia margo marianne marius marlon marnick marsha martha mees
melvin mert mete michelle milo mireille moos nia nino noel noelle nola nolan noud nova nuno orlando owain polly
quinn raf randy reno rikkert riley rina rocco ronan rudy ryder samia sasha sienna tara tatum taylor thelma thies
ties tilly tino velma veronica wilma wolf wolter wout yolande yvo zita
"""

LISTED = frozenset(
    " ".join(
        (DUTCH, GERMAN_AND_NORTHERN, ROMANCE, ENGLISH, TURKISH_ARABIC_AND_SOUTHERN, EASTERN, MORE_THAT_LOOK_LIKE_OTHERS)
    ).split()
)
"""All of them, as `plain` spells them."""

MORE_NICKNAMES: dict[str, str] = {
    "adrianus": "ad arjan adri adriaan arie",
    "alexander": "alex sander xander lex",
    "andreas": "andries andre dries",
    "anna": "anneke annie",
    "antonius": "ton toon anton antoon antoine tonnie",
    "antonia": "toos tonia",
    "bartholomeus": "bart",
    "bastiaan": "bas",
    "bernardus": "bernard ben bert",
    "caroline": "carolien carlijn lien",
    "catharina": "trijn toos karin tineke catherine katrien katrin catarina katarina",
    "christiaan": "chris christian",
    "christina": "chris christine stien tine",
    "cornelis": "kees cor cees corneel",
    "cornelia": "corrie cor nel nelleke",
    "daniel": "daan dani",
    "dirk": "dick dik",
    "ahmed": "ahmad achmed ahmet",
    "elisabeth": "els elly betty liesbeth lies elsje",
    "evelien": "evelyn",
    "floris": "floor",
    "francois": "frans",
    "franciscus": "frans frank",
    "frederik": "fred freek frits frederic rik",
    "geertruida": "truus geertje trudy",
    "gerardus": "gerard gerrit ger",
    "gijsbert": "gijs",
    "giuseppe": "beppe pino",
    "helena": "lena leen heleen helene",
    "hendrik": "henk hein rik henri henry",
    "hubertus": "huub hubert bert",
    "isabella": "isa bella isabel isabelle",
    "jacobus": "jaap koos jacob cobus sjaak jacques",
    "johanna": "jo annie hanna hanneke janna jannie joke janneke hannah",
    "johannes": "jan johan hans joop hannes jantje",
    "josephus": "jos jozef sjef joep jef joseph",
    "karel": "carel carolus",
    "katarzyna": "kasia",
    "laurens": "laurentius lau rens",
    "leendert": "leen leo",
    "leonardus": "leo leon leonard",
    "lodewijk": "louis luis lewis luigi loek lode",
    "louise": "louisa luise luisa",
    "fatima": "fatma fatime fatimah",
    "lucas": "luc luuk luca",
    "magdalena": "magda lena",
    "margaretha": "greet gre margriet marga margreet",
    "maria": "marie ria marietje mieke miep rie",
    "marinus": "rien rinus",
    "martinus": "martin tinus mart",
    "matthijs": "thijs matthias mathias matthieu",
    "maximilian": "max maxim",
    "michael": "michiel michel mike michal",
    "mohammed": "mohamed muhammad muhammed mohammad mohamad mehmet mhd mohd muhd mo",
    "nicolaas": "nico klaas niek nick nicolas niels nils",
    "paulus": "paul pauwel",
    "petronella": "nel nelly",
    "petrus": "piet pieter peter pierre",
    "quirinus": "krijn quirijn",
    "robertus": "rob robbert robert bob",
    "roelof": "roel",
    "rosalie": "roos",
    "sebastiaan": "bas bastiaan sebastian",
    "sophia": "sofie sofia",
    "stephanus": "stefan steven stephan",
    "susanna": "suus suzan susan susanne",
    "theodorus": "theo dorus",
    "timotheus": "tim timo",
    "thomas": "tom tommie",
    "valentijn": "tijn",
    "vincentius": "vincent",
    "wilhelmina": "mien mina willie wil willemijn",
    "wilhelmus": "wim willem will wil",
}
"""Full name to what it is called, beside the English list of `nicknames`."""

SPELLINGS = ("ahmed", "fatima", "mohammed")
"""Full names of which all that stands beside them above is another spelling, none a name that a brother could have."""
